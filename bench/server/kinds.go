package server

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kinds returns all servers. To add one, add a row here, and a program in rivals/ or
// a configuration in config.go if needed.
func Kinds() []*Kind {
	return []*Kind{
		{
			Name: "floor", Role: Floor, Program: "floor", Command: floor(),
			About:   "C, epoll, no parser: reads to the empty line and sends a constant answer. Level-triggered",
			Version: []string{"gcc", "--version"},
		},
		{
			Name: "floor-edge", Role: Floor, Program: "floor", Command: floor("--edge"), Slow: true,
			About:   "the same, edge-triggered, as bobbin's loop is",
			Version: []string{"gcc", "--version"},
		},
		{
			Name: "bobbin", Role: Ours, Program: "bobbin", Command: bobbin, Speaks: withHTTP2,
			About:   "as built from this repository",
			Version: []string{"bobbin", "--version"},
		},
		{
			Name: "bobbin-http1", Role: Ours, Program: "bobbin", Command: unlimited, Named: true, OnlyHTTP1: true,
			About:   "the same, asked by HTTP/1.1 where others are asked by HTTP/2, pipelined where they have streams",
			Version: []string{"bobbin", "--version"},
		},
		loops(1), loops(2),
		place("plain", "a handler in Go behind bobbin, on the loop"),
		place("streaming", "the same, as a coroutine on the loop"),
		place("blocking", "the same, on a goroutine of its own"),
		place("std", "the same for net/http, by http/std"),
		{
			Name: "nethttp", Role: Rival, Program: "nethttp", Command: written("nethttp"), Speaks: withHTTP2,
			About: "Go's standard library",
		},
		{
			Name: "fasthttp", Role: Rival, Program: "fasthttp", Command: written("fasthttp"),
			About: "Go, a goroutine for each connection",
		},
		{
			Name: "hertz", Role: Rival, Program: "hertz", Minor: true, Command: written("hertz"),
			About: "Go, on cloudwego/netpoll",
		},
		{
			Name: "nginx", Role: Rival, Program: "nginx", Command: nginx, Cheap: true, Speaks: withHTTP2,
			About:   "one worker, sendfile, open_file_cache, no logs, unlimited keep-alive",
			Version: []string{"nginx", "-v"},
		},
		{
			Name: "h2o", Role: Rival, Program: "h2o", Command: h2o, Cheap: true, Speaks: withHTTP2,
			About:   "one thread; answers hello from a file of 13 bytes",
			Version: []string{"h2o", "-v"},
		},
		{
			Name: "lighttpd", Role: Rival, Program: "lighttpd", Minor: true, Command: lighttpd, Speaks: withHTTP2,
			About:   "answers hello from a file of 13 bytes; 65,535 requests a connection, its maximum",
			Version: []string{"lighttpd", "-v"},
		},
		{
			Name: "haproxy", Role: Rival, Program: "haproxy", Minor: true, Command: haproxy,
			About:   "one thread, http-request return",
			Version: []string{"haproxy", "-v"},
		},
		{
			Name: "node", Role: Rival, Program: "node", Minor: true, Command: script("node.js"), Uncounted: compiles, Speaks: withHTTP2,
			About:   "Node's http, https and http2",
			Version: []string{"node", "--version"},
		},
		{
			Name: "bun", Role: Rival, Program: "bun", Command: script("bun.js"), Uncounted: compiles, Cheap: true, Speaks: withHTTP2,
			About:   "Bun.serve",
			Version: []string{"bun", "--version"},
		},
		{
			Name: "article", Role: Rival, Program: "python3", Minor: true, Command: article,
			About:   "Python, blocking: one connection after the other, one request each. The server of many tutorials",
			Version: []string{"python3", "--version"},
		},
		{
			Name: "bobbin-ws", Role: Ours, Program: "handlers", Named: true, Speaks: overWebSocket, Command: sockets("handlers", "-place", "websocket"),
			About: "bobbin's http/websocket in a program",
		},
		{
			Name: "bun-ws", Role: Rival, Program: "bun", Named: true, Speaks: overWebSocket, Command: script("bun-ws.js"), Uncounted: compiles,
			About:   "Bun.serve, whose WebSocket is uWebSockets",
			Version: []string{"bun", "--version"},
		},
		{
			Name: "coder", Role: Rival, Program: "coder", Named: true, Speaks: overWebSocket, Command: sockets("coder"),
			About: "Go, coder/websocket on net/http; a broadcast is as in its own example",
		},
		{
			Name: "gobwas", Role: Rival, Program: "gobwas", Named: true, Speaks: overWebSocket, Command: sockets("gobwas"),
			About: "Go, gobwas/ws, a goroutine for each connection; a broadcast writes one frame to all",
		},
		{
			Name: "node-ws", Role: Rival, Program: "node-ws", Named: true, Speaks: overWebSocket, Command: nodeWS, Uncounted: compiles,
			About:   "ws on Node, of a fixed version that go run . --fetch fetches",
			Version: []string{"node", "--version"},
		},
	}
}

// The protocols of the kinds.
var (
	withHTTP2     = []Protocol{HTTP1, HTTP2}
	overWebSocket = []Protocol{WebSocket}
)

// compiles is why some rivals are not run under valgrind.
const compiles = "it compiles at run time, and hardly answers under valgrind"

func floor(flags ...string) func(*Workshop, Job) ([]string, error) {
	return func(w *Workshop, j Job) ([]string, error) {
		if j.TLS != nil {
			return nil, cannot("it has no TLS")
		}
		args := append([]string{w.programs["floor"], strconv.Itoa(j.Port)}, flags...)
		if j.Request.Close {
			args = append(args, "--close")
		}
		if j.Files {
			args = append(args, "--file", j.File)
		}
		return args, nil
	}
}

func bobbin(w *Workshop, j Job) ([]string, error) {
	args := []string{w.programs["bobbin"], "--quiet", "--listen", fmt.Sprintf("127.0.0.1:%d", j.Port)}
	if j.Idle > 0 {
		args = append(args, "--limit", "IdleTimeout="+j.Idle.String())
	}
	if j.TLS != nil {
		args = append(args, "--tls-cert", j.TLS.File, "--tls-key", j.TLS.Key)
	}
	if j.Request.Protocol == HTTP2 {
		args = append(args, unlimitedRequests...)
	}
	if j.Files {
		args = append(args, j.Folder)
	}
	return args, nil
}

// unlimitedRequests takes away the limit of 10,000 requests of a connection: h2load opens
// no other one in the place of one that has ended. nginx and lighttpd have a limit of this
// kind, too, and it is as high as they allow.
var unlimitedRequests = []string{"--limit", "Requests=2000000000"}

// unlimited is bobbin without that limit.
func unlimited(w *Workshop, j Job) ([]string, error) {
	args, err := bobbin(w, j)
	return slices.Insert(args, 1, unlimitedRequests...), err
}

// loops is bobbin with so many loops.
func loops(n int) *Kind {
	return &Kind{
		Name: fmt.Sprintf("loops-%d", n), Role: Ours, Program: "bobbin", Named: true,
		About:   fmt.Sprintf("bobbin with --loops %d", n),
		Version: []string{"bobbin", "--version"},
		Command: func(w *Workshop, j Job) ([]string, error) {
			args, err := bobbin(w, j)
			return append(args, "--loops", strconv.Itoa(n)), err
		},
	}
}

// place is a program with bobbin, whose handler runs in one of the places for
// handlers.
func place(name, about string) *Kind {
	command := written("handlers")
	return &Kind{
		Name: name, Role: Ours, Program: "handlers", Named: true, About: about,
		Command: func(w *Workshop, j Job) ([]string, error) {
			switch {
			case j.TLS != nil:
				return nil, cannot("it has no TLS")
			case j.Files:
				return nil, cannot("it serves no files")
			}
			args, err := command(w, j)
			return append(args, "-place", name), err
		},
	}
}

// written is a rival in Go, in rivals/ of this module.
func written(program string) func(*Workshop, Job) ([]string, error) {
	return func(w *Workshop, j Job) ([]string, error) {
		args := []string{w.programs[program], "-port", strconv.Itoa(j.Port), "-folder", j.Folder}
		if j.TLS != nil {
			args = append(args, "-cert", j.TLS.File, "-key", j.TLS.Key)
		}
		if j.Request.Protocol == HTTP2 {
			args = append(args, "-http2")
		}
		return args, nil
	}
}

// sockets is a program in Go that speaks WebSocket.
func sockets(program string, flags ...string) func(*Workshop, Job) ([]string, error) {
	return func(w *Workshop, j Job) ([]string, error) {
		if j.TLS != nil {
			return nil, cannot("it has no TLS")
		}
		return append([]string{w.programs[program], "-port", strconv.Itoa(j.Port)}, flags...), nil
	}
}

func script(name string) func(*Workshop, Job) ([]string, error) {
	program, _, _ := strings.Cut(name[:len(name)-len(filepath.Ext(name))], "-")
	return func(w *Workshop, j Job) ([]string, error) {
		var certificate, key string
		if j.TLS != nil {
			certificate, key = j.TLS.File, j.TLS.Key
		}
		return []string{
			w.programs[program], filepath.Join(w.Bench(), "rivals", name), strconv.Itoa(j.Port), j.Folder,
			certificate, key, string(j.Request.Protocol),
		}, nil
	}
}

// nodeWS is a script of node that loads a package.
func nodeWS(w *Workshop, j Job) ([]string, error) {
	if j.TLS != nil {
		return nil, cannot("it has no TLS")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, cannot("node is not installed")
	}
	return []string{node, filepath.Join(w.Bench(), "rivals", "node-ws.js"), strconv.Itoa(j.Port), w.programs["node-ws"]}, nil
}

func article(w *Workshop, j Job) ([]string, error) {
	switch {
	case j.TLS != nil:
		return nil, cannot("it has no TLS")
	case j.Files:
		return nil, cannot("it serves no files")
	case !j.Request.Close:
		return nil, cannot("it keeps no connection open, so that this would equal close")
	}
	return []string{w.programs["python3"], filepath.Join(w.Bench(), "rivals", "article.py"), strconv.Itoa(j.Port)}, nil
}

// seconds formats a duration for configuration files.
func seconds(d time.Duration) string {
	return strconv.Itoa(max(60, int(d/time.Second)))
}

// write writes a configuration to the server's folder.
func (j Job) write(name, text string) (string, error) {
	path := filepath.Join(j.Scratch, name)
	return path, os.WriteFile(path, []byte(text), 0o600)
}
