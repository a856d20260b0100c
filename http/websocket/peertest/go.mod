module github.com/bobbin-http/bobbin/http/websocket/peertest

go 1.26.0

replace github.com/bobbin-http/bobbin => ../../../

require (
	github.com/bobbin-http/bobbin v0.0.0
	github.com/coder/websocket v1.8.15
)

require golang.org/x/sys v0.49.0 // indirect
