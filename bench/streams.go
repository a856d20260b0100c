package main

import (
	"fmt"

	"github.com/bobbin-http/bobbin/bench/report"
	"github.com/bobbin-http/bobbin/bench/server"
)

// The scenarios of HTTP/2.

// The servers that speak HTTP/2. bobbin is measured by HTTP/1.1, too.
var http2Servers = []string{"bobbin", "bobbin-http1", "nginx", "h2o", "lighttpd", "nethttp", "node", "bun"}

// changingPaths is the number of different paths: a prime number, so that a connection
// hardly ever gets the same one twice.
const changingPaths = 4993

// byH2load is how h2load is described at each scenario.
const byH2load = " h2load makes the requests; those of its first half second do not count, nor do handshakes. It opens no connection in the place of one that a server ends, so bobbin's limit of 10,000 requests a connection is taken away by --limit Requests=2000000000; nginx and lighttpd have as many as they allow."

// pipelining is what bobbin-http1 is in scenarios with streams.
const pipelining = " bobbin-http1 is bobbin with as many pipelined requests of HTTP/1.1 as others have streams."

func overHTTP2(crowd int) []*scenario {
	request := server.Request{Protocol: server.HTTP2, Path: server.HelloPath, TLS: true}
	many := request
	many.Pipeline = 100
	some := request
	some.Pipeline = 10
	browsers := some
	browsers.Fields, browsers.Paths = browserFields, changingPaths
	file := some
	file.Path = "/64k.bin"
	plain := func(r server.Request) server.Request {
		r.TLS = false
		return r
	}
	asked := request
	asked.Fields = browserFields
	all := []*scenario{
		{
			name: "h2-64", title: "HTTP/2 over TLS: 13 bytes, 64 connections with one stream", sized: true,
			does:    "64 connections that stay open; each requests 13 bytes on a new stream, waits for them, and repeats. bobbin-http1 is bobbin, asked by HTTP/1.1." + byH2load,
			not:     "what HTTP/2 is for: each connection has one request at a time. It shows what its frames cost beside the lines of HTTP/1.1.",
			request: request, connections: 64,
		},
		{
			name: "h2-1x100", title: "HTTP/2 over TLS: 13 bytes, one connection with 100 streams", sized: true,
			does:    "One connection with 100 open streams: each that is answered is replaced by another one." + pipelining + byH2load,
			not:     "a browser, which has so many streams at the beginning of a page. It shows the cost of a request whose kernel's part is shared by a hundred.",
			request: many, connections: 1,
		},
		{
			name: "h2-16x10", title: "HTTP/2 over TLS: 13 bytes, 16 connections with 10 streams", sized: true,
			does:    "As h2-1x100, with 16 connections, each with 10 open streams." + byH2load,
			not:     "the order in which answers of different urgency leave.",
			request: some, connections: 16,
		},
		{
			name: "h2-browser", title: "HTTP/2 over TLS: a browser's fields, 16 connections with 10 streams", sized: true,
			does:    fmt.Sprintf("As h2-16x10, with the eleven fields of a browser, and with %s paths that differ in their queries."+byH2load, thousands(changingPaths)),
			not:     "the cost of fields that change: the client's table has them all after the first request of a connection, but for the path, which is sent in full.",
			request: browsers, connections: 16,
		},
		{
			name: "h2-64k", title: "HTTP/2 over TLS: a file of 64 KiB, 16 connections with 10 streams",
			does: "As h2-16x10, with a file that is in the page cache. The cost is processor time, as encrypting is few instructions." + byH2load,
			not:  "flow control: the client's windows are never full.",
			cost: report.CPU, request: file, files: true, connections: 16,
		},
		{
			name: "h2c-64", title: "HTTP/2 in plain text: 13 bytes, 64 connections with one stream", sized: true,
			does:    "As h2-64, in plain text, which the client knows that the server speaks (prior knowledge)." + byH2load,
			not:     "anything about browsers, which speak HTTP/2 only over TLS. Proxies and gRPC speak it in plain text.",
			request: plain(request), connections: 64,
		},
		{
			name: "h2c-16x10", title: "HTTP/2 in plain text: 13 bytes, 16 connections with 10 streams", sized: true,
			does:    "As h2-16x10, in plain text." + byH2load,
			not:     "anything about browsers.",
			request: plain(some), connections: 16,
		},
		{
			name: "h2c-64k", title: "HTTP/2 in plain text: a file of 64 KiB, 16 connections with 10 streams",
			does: "As h2-64k, in plain text. The cost is processor time, as copying is few instructions." + byH2load,
			not:  "flow control: the client's windows are never full.",
			cost: report.CPU, request: plain(file), files: true, connections: 16,
		},
	}
	for _, s := range all {
		s.load, s.tool, s.marked, s.with = streams, "h2load", true, http2Servers
	}
	return append(all,
		&scenario{
			name: "idle-memory-h2", title: fmt.Sprintf("HTTP/2 over TLS: memory of an idle connection, of %s", thousands(crowd/5)), with: http2Servers, once: true,
			does: fmt.Sprintf("%s connections are opened; each makes one request with a browser's fields, and is then idle. The growth of the server since it had answered 64, divided by their number. bobbin-http1 is asked by HTTP/1.1.", thousands(crowd/5)),
			not:  "how much of it is in use: what handshakes left behind is counted until a collector has run.",
			cost: report.Held, request: asked, idle: crowd / 5, measure: memoryOfIdle, patience: longIdle,
		},
		&scenario{
			name: "idle-memory-h2c", title: fmt.Sprintf("HTTP/2 in plain text: memory of an idle connection, of %s", thousands(crowd)), with: http2Servers, once: true,
			does: fmt.Sprintf("As idle-memory-h2, in plain text, with %s connections.", thousands(crowd)),
			not:  "the memory of a connection in use, and the kernel's memory for each, which is some kilobytes.",
			cost: report.Held, request: plain(asked), idle: crowd, measure: memoryOfIdle, patience: longIdle,
		},
	)
}
