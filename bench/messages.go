package main

import (
	"fmt"

	"github.com/bobbin-http/bobbin/bench/load"
	"github.com/bobbin-http/bobbin/bench/report"
	"github.com/bobbin-http/bobbin/bench/rivals"
	"github.com/bobbin-http/bobbin/bench/server"
)

// The scenarios of WebSocket.

var webSocketServers = []string{"bobbin-ws", "bun-ws", "coder", "gobwas", "node-ws"}

func overWebSocket(crowd int) []*scenario {
	message := func(size, atOnce int) server.Request {
		return server.Request{Protocol: server.WebSocket, Path: rivals.EchoPath, Message: size, Pipeline: atOnce}
	}
	topic := message(64, 1)
	topic.Path = rivals.TopicPath
	return []*scenario{
		{
			name: "websocket-64", title: "WebSocket: 64 bytes sent back, 64 connections", calls: true, with: webSocketServers,
			does:    "64 connections that stay open; each sends a text of 64 bytes, waits until it comes back, and repeats. All bytes that come back are compared.",
			not:     "the cost of a handshake. Messages are not compressed, by any of the servers.",
			request: message(64, 1), connections: 64, load: talking(load.Echo), gathers: load.Echo,
		},
		{
			name: "websocket-16x16", title: "WebSocket: 64 bytes sent back, 16 connections with 16 messages on their way", calls: true, with: webSocketServers,
			does:    "16 connections, each with 16 messages on their way: for each that comes back, another one is sent.",
			not:     "the cost of a message that comes alone; see websocket-64.",
			request: message(64, 16), connections: 16, load: talking(load.Echo), gathers: load.Echo,
		},
		{
			name: "websocket-16k", title: "WebSocket: 16 KB sent back, 16 connections with 16 messages on their way", with: webSocketServers,
			does: "As websocket-16x16, with messages of 16,384 bytes. The cost is processor time, as copying is few instructions.",
			not:  "how a server checks that a text is UTF-8 which is no ASCII.",
			cost: report.CPU, request: message(16<<10, 16), connections: 16, load: talking(load.Echo), gathers: load.Echo,
		},
		{
			name: "idle-memory-websocket", title: fmt.Sprintf("WebSocket: memory of an idle connection, of %s", thousands(crowd)), once: true, with: webSocketServers,
			does: fmt.Sprintf("%s connections are opened; each sends one message, which comes back, and is then idle. The growth of the server since it had answered 64, divided by their number.", thousands(crowd)),
			not:  "the kernel's memory for each, which is some kilobytes.",
			cost: report.Held, request: message(64, 1), idle: crowd, measure: memoryOfIdle, patience: longIdle,
		},
		{
			name: "broadcast", title: fmt.Sprintf("WebSocket: a broadcast to %s connections", thousands(crowd)), with: webSocketServers,
			does: "One of the connections sends 64 bytes, which the server sends to all of them, and again as soon as all have them. A message at one receiver counts as a request; the latency is the time until all have it.",
			not:  "how often a chat has something to say. The client reads from all connections with one core, and is most of the latency.",
			cost: report.CPU, request: topic, connections: crowd, load: talking(load.Broadcast), gathers: load.Broadcast,
		},
	}
}
