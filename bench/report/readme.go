package report

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
)

// The table of the project's README, which is a part of a run.

// readmeRows are its rows: a scenario each.
var readmeRows = []struct{ title, scenario string }{
	{"13 bytes, 64 connections", "hello-64"},
	{"a browser's request of 600 bytes", "browser"},
	{"the same, another cookie each time", "browser-cookie"},
	{"16 pipelined requests, each", "pipelined"},
	{"one request per connection", "close"},
	{"a file of 1 KiB", "static-1k"},
	{"a file of 64 KiB", "static-64k"},
	{"a file of 10 MiB", "static-10m"},
	{"20,000 requests a second", "rate"},
	{"one connection", "connections-1"},
	{"bytes of an idle connection", "idle-memory"},
	{"13 bytes over TLS", "tls-hello"},
	{"64 KiB over TLS", "tls-64k"},
	{"a TLS handshake", "tls-handshakes"},
	{"a TLS handshake, resumed", "tls-resumed"},
	{"bytes of an idle connection over TLS", "idle-memory-tls"},
	{"HTTP/2 over TLS: 13 bytes", "h2-64"},
	{"the same, 16 connections with 10 streams", "h2-16x10"},
	{"the same, a browser's fields", "h2-browser"},
	{"the same, 64 KiB", "h2-64k"},
	{"bytes of an idle connection of HTTP/2 over TLS", "idle-memory-h2"},
	{"WebSocket: a message of 64 bytes", "websocket-64"},
	{"the same, 16 connections with 16 on their way", "websocket-16x16"},
	{"bytes of an idle WebSocket", "idle-memory-websocket"},
	{"WebSocket: a broadcast, a receiver", "broadcast"},
}

// overWebSocket are the programs with a server that is measured by another one where
// messages are: the same column.
var overWebSocket = map[string]string{"bobbin": "bobbin-ws", "bun": "bun-ws"}

// readmeServers are its columns.
var readmeServers = []struct{ title, name string }{
	{"bobbin", "bobbin"}, {"nginx", "nginx"}, {"h2o", "h2o"}, {"Bun", "bun"}, {"fasthttp", "fasthttp"}, {"net/http", "nethttp"},
}

// readmeHead begins the table in the README.
const readmeHead = "| processor time of |"

// ReadmeTable returns the table: processor time in proportion to the floor's, or to
// bobbin's where there is no floor; memory in bytes. Servers and scenarios that the run
// does not have are left out.
func (r *Report) ReadmeTable() string {
	heading := []string{strings.Trim(readmeHead, "| ")}
	var names []string
	for _, c := range readmeServers {
		for _, s := range r.Scenarios {
			if s.Server(c.name) != nil {
				heading, names = append(heading, c.title), append(names, c.name)
				break
			}
		}
	}
	table := [][]string{heading}
	for _, of := range readmeRows {
		s := r.scenario(of.scenario)
		if s == nil {
			continue
		}
		row := []string{of.title}
		for _, name := range names {
			row = append(row, s.readmeCell(name))
		}
		table = append(table, row)
	}
	var b strings.Builder
	markdownTable(&b, embolden(table, "bobbin"))
	return b.String()
}

func (s *Scenario) readmeCell(name string) string {
	v := s.Server(name)
	if v == nil {
		v = s.Server(overWebSocket[name])
	}
	if s.Cost != Held {
		return orDash(relative(v, s.base(), CPU))
	}
	if v == nil {
		return "–"
	}
	return count(v.Summary[Held].Value)
}

// errNoTable is for a README that was rewritten.
var errNoTable = errors.New("the README has no table that begins with " + readmeHead)

// InReadme returns a README with the table of this run in the place of its own.
func (r *Report) InReadme(page string) (string, error) {
	before, rest, ok := strings.Cut(page, readmeHead)
	_, after, end := strings.Cut(rest, "\n\n")
	if !ok || !end {
		return "", errNoTable
	}
	return before + r.ReadmeTable() + after, nil
}

// Read reads the results.json of a run.
func Read(file string) (*Report, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r := new(Report)
	return r, json.Unmarshal(text, r)
}
