module github.com/bobbin-http/bobbin/bench/suites

go 1.26.0

replace github.com/bobbin-http/bobbin => ../../

require (
	github.com/bobbin-http/bobbin v0.0.0
	github.com/go-chi/chi/v5 v5.5.0
	github.com/gorilla/handlers v1.5.2
	github.com/gorilla/mux v1.8.1
	github.com/rs/cors v1.11.1
)

require (
	github.com/felixge/httpsnoop v1.0.3 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
