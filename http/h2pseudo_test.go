package http

import "testing"

// TestPseudoFields is about the fields that stand for the request line (RFC 9113 section 8.3).
func TestPseudoFields(t *testing.T) {
	const malformed = "PROTOCOL_ERROR on 1"
	const method, scheme, path, authority = ":method: GET", ":scheme: http", ":path: /", ":authority: a"
	holdH2(t, Config{}, []h2Row{
		{"they may come in any order", []any{h2Only(1, path, authority, scheme, method)}, "200 on 1", "GET / at a"},
		{"one without a method is malformed", []any{h2Only(1, scheme, path, authority)}, malformed, ""},
		{"one without a scheme is malformed", []any{h2Only(1, method, path, authority)}, malformed, ""},
		{"one without a path is malformed", []any{h2Only(1, method, scheme, authority)}, malformed, ""},
		{"one with no field at all is malformed", []any{h2Only(1)}, malformed, ""},
		{"one with regular fields alone is malformed", []any{h2Only(1, "x: y")}, malformed, ""},
		{"two methods are malformed", []any{h2Only(1, method, method, scheme, path, authority)}, malformed, ""},
		{"two schemes are malformed", []any{h2Only(1, method, scheme, scheme, path, authority)}, malformed, ""},
		{"two paths are malformed", []any{h2Only(1, method, scheme, path, path, authority)}, malformed, ""},
		{"two authorities are malformed", []any{h2Only(1, method, scheme, path, authority, authority)}, malformed, ""},
		{"a second one that is empty is malformed, too", []any{h2Only(1, method, scheme, path, ":authority: ", authority)}, malformed, ""},
		{"two protocols are malformed", []any{h2Only(1, ":method: CONNECT", scheme, path, authority, ":protocol: x", ":protocol: x")}, malformed, ""},
		{"one that is not known is malformed", []any{h2Only(1, method, scheme, path, authority, ":x: y")}, malformed, ""},
		{"one with no name behind its colon is malformed", []any{h2Only(1, method, scheme, path, authority, ":: y")}, malformed, ""},
		{"one of upper case is malformed", []any{h2Only(1, method, scheme, ":Path: /", authority)}, malformed, ""},
		{"one of an answer is malformed", []any{h2Only(1, method, scheme, path, authority, ":status: 200")}, malformed, ""},
		{"one behind a regular field is malformed", []any{h2Only(1, method, scheme, path, "x: y", authority)}, malformed, ""},
		{"one behind a piece of Cookie is malformed", []any{h2Only(1, method, scheme, "cookie: a=b", path, authority)}, malformed, ""},

		{"a method that is no token is malformed", []any{h2GetOf(1, ":method: G T")}, malformed, ""},
		{"a method that is empty is malformed", []any{h2GetOf(1, ":method: ")}, malformed, ""},
		{"a method with a line end is malformed", []any{h2GetOf(1, ":method: GET\r\n")}, malformed, ""},
		{"a method that is not known is 501", []any{h2GetOf(1, ":method: get")}, "501 on 1", "501: no such method here"},
		{"a method that begins with a blank is malformed", []any{h2GetOf(1, ":method:  GET")}, malformed, ""},

		{"a scheme that is empty is malformed", []any{h2GetOf(1, ":scheme: ")}, malformed, ""},
		{"a scheme with a blank is malformed", []any{h2GetOf(1, ":scheme: ht tp")}, malformed, ""},
		{"a scheme with its colon is malformed", []any{h2GetOf(1, ":scheme: http:")}, malformed, ""},
		{"a scheme that begins with a digit is malformed", []any{h2GetOf(1, ":scheme: 1http")}, malformed, ""},
		{"a scheme with NUL is malformed", []any{h2GetOf(1, ":scheme: http\x00")}, malformed, ""},
		{"a scheme that ends with a blank is malformed", []any{h2GetOf(1, ":scheme: http ")}, malformed, ""},
		{"the scheme of a proxy that ends TLS is served", []any{h2GetOf(1, ":scheme: https")}, "200 on 1", "GET / at a"},
		{"a scheme may be in upper case", []any{h2GetOf(1, ":scheme: HTTP")}, "200 on 1", "GET / at a"},

		{"a path may have a query", []any{h2GetOf(1, ":path: /x?y=/z")}, "200 on 1", "GET /x?y=/z at a"},
		{"a path that is empty is malformed", []any{h2GetOf(1, ":path: ")}, malformed, ""},
		{"a path without its slash is malformed", []any{h2GetOf(1, ":path: x")}, malformed, ""},
		{"a path that is a query is malformed", []any{h2GetOf(1, ":path: ?x")}, malformed, ""},
		{"a path that is a URI is malformed", []any{h2GetOf(1, ":path: http://a/")}, malformed, ""},
		{"a path with a blank is malformed", []any{h2GetOf(1, ":path: /x y")}, malformed, ""},
		{"a path that ends with a blank is malformed", []any{h2GetOf(1, ":path: /x ")}, malformed, ""},
		{"a path with a tab is malformed", []any{h2GetOf(1, ":path: /x\ty")}, malformed, ""},
		{"a path with NUL is malformed", []any{h2GetOf(1, ":path: /\x00")}, malformed, ""},
		{"a path with a version and a line end is malformed", []any{h2GetOf(1, ":path: / HTTP/1.1\r\nx: y")}, malformed, ""},
		{"a path with DEL is malformed", []any{h2GetOf(1, ":path: /\x7f")}, malformed, ""},
		{"a path with a fragment is 400", []any{h2GetOf(1, ":path: /x#y")}, "400 on 1", "400: the target has a fragment"},
		{"a path of two slashes is a path", []any{h2GetOf(1, ":path: //b/x")}, "200 on 1", "GET //b/x at a"},
		{"an asterisk is no path of GET", []any{h2GetOf(1, ":path: *")}, malformed, ""},
		{"an asterisk is one of OPTIONS", []any{h2GetOf(1, ":method: OPTIONS", ":path: *")}, "204 on 1", ""},
		{"an asterisk with more is none", []any{h2GetOf(1, ":method: OPTIONS", ":path: *x")}, malformed, ""},
	})
}

// TestAuthority is about the name that a request is for (RFC 9113 section 8.3.1).
func TestAuthority(t *testing.T) {
	const malformed = "PROTOCOL_ERROR on 1"
	const method, scheme, path = ":method: GET", ":scheme: http", ":path: /"
	holdH2(t, Config{}, []h2Row{
		{"it is the host of the request", []any{h2GetOf(1, ":authority: b:8080")}, "200 on 1", "GET / at b:8080"},
		{"Host is, where there is none", []any{h2Only(1, method, scheme, path, "host: b")}, "200 on 1", "GET / at b"},
		{"Host may say the same", []any{h2GetOf(1, "x: y", "host: a", "z: z")}, "200 on 1", `GET / at a x="y" z="z"`},
		{"Host may say the same in upper case", []any{h2GetOf(1, "host: A")}, "200 on 1", "GET / at a"},
		{"Host that says something else is malformed", []any{h2GetOf(1, "host: b")}, malformed, ""},
		{"Host with another port is malformed", []any{h2GetOf(1, ":authority: a:1", "host: a:2")}, malformed, ""},
		{"Host that is empty is malformed", []any{h2GetOf(1, "host: ")}, malformed, ""},
		{"two Hosts are malformed, though they say the same", []any{h2GetOf(1, "host: a", "host: a")}, malformed, ""},
		{"two Hosts are malformed, of which one says something else", []any{h2GetOf(1, "host: a", "host: b")}, malformed, ""},
		{"two Hosts without it are 400", []any{h2Only(1, method, scheme, path, "host: a", "host: a")}, "400 on 1", "400: more than one Host field"},
		{"neither it nor Host is 400", []any{h2Only(1, method, scheme, path)}, "400 on 1", "400: no Host field"},
		{"an empty one is malformed", []any{h2GetOf(1, ":authority: ")}, malformed, ""},
		{"an empty one beside Host is malformed", []any{h2GetOf(1, ":authority: ", "host: a")}, malformed, ""},
		{"one with user information is 400", []any{h2GetOf(1, ":authority: u:p@a")}, "400 on 1", "400: the Host field is not a host"},
		{"one with a path is 400", []any{h2GetOf(1, ":authority: a/b")}, "400 on 1", "400: the Host field is not a host"},
		{"one with a blank is 400", []any{h2GetOf(1, ":authority: a b")}, "400 on 1", "400: the Host field is not a host"},
		{"one that begins with a blank is malformed", []any{h2GetOf(1, ":authority:  a")}, malformed, ""},
		{"one with a line end is malformed", []any{h2GetOf(1, ":authority: a\r\nx: y")}, malformed, ""},
		{"one with NUL is malformed", []any{h2GetOf(1, ":authority: a\x00")}, malformed, ""},
		{"one that is an address is a host", []any{h2GetOf(1, ":authority: [::1]:80")}, "200 on 1", "GET / at [::1]:80"},
		{"no name is misdirected where none is configured", []any{h2GetOf(1, ":authority: evil.example")}, "200 on 1", "GET / at evil.example"},
	})
}

// TestConnectOfHTTP2 is about CONNECT where there are no tunnels (RFC 9113 section 8.5, RFC 8441).
func TestConnectOfHTTP2(t *testing.T) {
	const malformed = "PROTOCOL_ERROR on 1"
	const method, scheme, path, authority, protocol = ":method: CONNECT", ":scheme: http", ":path: /", ":authority: a:80", ":protocol: echo"
	holdH2(t, Config{}, []h2Row{
		{"it has a method and an authority, and is 405 here", []any{h2Only(1, method, authority)}, "405 on 1", "405: not for an origin server"},
		{"with a path it is malformed", []any{h2Only(1, method, path, authority)}, malformed, ""},
		{"with a scheme it is malformed", []any{h2Only(1, method, scheme, authority)}, malformed, ""},
		{"with an empty path it is malformed", []any{h2Only(1, method, ":path: ", authority)}, malformed, ""},
		{"without an authority it is malformed", []any{h2Only(1, method)}, malformed, ""},
		{"with Host in its place it is malformed", []any{h2Only(1, method, "host: a:80")}, malformed, ""},
		{"with an empty authority it is malformed", []any{h2Only(1, method, ":authority: ")}, malformed, ""},
		{"with a blank in its authority it is malformed", []any{h2Only(1, method, ":authority: a :80")}, malformed, ""},
		{"without a port it is 400", []any{h2Only(1, method, ":authority: a")}, "400 on 1", "400: the target of CONNECT is a host and a port"},
		{"a protocol before it was offered is malformed", []any{h2Only(1, method, scheme, path, ":authority: a", protocol)}, malformed, ""},
	})
}

// TestExtendedConnect is about CONNECT with a protocol, which was offered (RFC 8441).
func TestExtendedConnect(t *testing.T) {
	const malformed = "PROTOCOL_ERROR on 1"
	const method, scheme, path, authority, protocol = ":method: CONNECT", ":scheme: http", ":path: /tunnel", ":authority: a", ":protocol: echo"
	const served = `GET /tunnel at a connection="Upgrade" upgrade="echo"`
	open := func(lines ...string) h2Lines { return h2Lines{1, 0, lines} }
	holdH2(t, Config{Tunnels: true}, []h2Row{
		{"it is served", []any{open(method, scheme, path, authority, protocol), h2Data(1, "hello")}, "200 on 1, 5 bytes on 1", served},
		{"it may end at once", []any{h2Only(1, method, scheme, path, authority, protocol)}, "200 on 1", served},
		{"without a path it is malformed", []any{open(method, scheme, authority, protocol)}, malformed, ""},
		{"without a scheme it is malformed", []any{open(method, path, authority, protocol)}, malformed, ""},
		{"without an authority it is malformed", []any{open(method, scheme, path, protocol)}, malformed, ""},
		{"with an asterisk it is malformed", []any{open(method, scheme, ":path: *", authority, protocol)}, malformed, ""},
		{"with another method it is malformed", []any{open(":method: GET", scheme, path, authority, protocol)}, malformed, ""},
		{"with a method that only looks like it, it is malformed", []any{open(":method: connect", scheme, path, authority, protocol)}, malformed, ""},
		{"with a protocol that is empty it is malformed", []any{open(method, scheme, path, authority, ":protocol: ")}, malformed, ""},
		{"with a protocol that is no token it is malformed", []any{open(method, scheme, path, authority, ":protocol: a b")}, malformed, ""},
		{"with a protocol that the path does not have it is 426", []any{open(method, scheme, path, authority, ":protocol: other")}, "426 on 1", "426: this path is for the protocol echo"},
		{"with Upgrade it is malformed", []any{open(method, scheme, path, authority, protocol, "upgrade: echo")}, malformed, ""},
		{"CONNECT without a protocol is as before", []any{open(method, ":authority: a:80")}, "405 on 1", "405: not for an origin server"},
	})
}
