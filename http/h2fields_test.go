package http

import "testing"

// What h2spec does not ask, as conversations. This file has the names and values of fields;
// h2pseudo_test.go has pseudo-fields, h2message_test.go what makes a message of them, h2blocks_test.go
// how they are encoded, h2frames_test.go frames, h2states_test.go the states of streams, and
// h2windows_test.go settings and windows.

// TestFieldsOfHTTP2 is about the names and values of fields (RFC 9113 section 8.2.1). A request that is
// malformed costs its stream, and no handler sees it.
func TestFieldsOfHTTP2(t *testing.T) {
	const malformed = "PROTOCOL_ERROR on 1"
	holdH2(t, Config{}, []h2Row{
		{"a field arrives", []any{h2GetOf(1, "x: y")}, "200 on 1", `GET / at a x="y"`},
		{"a value may be empty", []any{h2GetOf(1, "x: ")}, "200 on 1", `GET / at a x=""`},
		{"a value may have blanks inside", []any{h2GetOf(1, "x: y \tz")}, "200 on 1", `GET / at a x="y \tz"`},
		{"a value may have bytes above ASCII", []any{h2GetOf(1, "x: \xe4")}, "200 on 1", `GET / at a x="\xe4"`},
		{"a name may have all characters of a token", []any{h2GetOf(1, "!#$%&'*+-.^_`|~9z: y")}, "200 on 1", "GET / at a !#$%&'*+-.^_`|~9z=\"y\""},

		{"a value with NUL is malformed", []any{h2GetOf(1, "x: y\x00z")}, malformed, ""},
		{"a value with CR is malformed", []any{h2GetOf(1, "x: y\rz")}, malformed, ""},
		{"a value with LF is malformed", []any{h2GetOf(1, "x: y\nz")}, malformed, ""},
		{"a value that is a second line is malformed", []any{h2GetOf(1, "x: y\r\nhost: b")}, malformed, ""},
		{"a long value with NUL at its end is malformed", []any{h2GetOf(1, "x: 0123456789abcdef\x00")}, malformed, ""},
		{"a long value with LF in its middle is malformed", []any{h2GetOf(1, "x: 0123456789ab\ncdef0123456789")}, malformed, ""},
		{"a value of NUL is malformed", []any{h2GetOf(1, "x: \x00")}, malformed, ""},
		{"a value that begins with a blank is malformed", []any{h2GetOf(1, "x:  y")}, malformed, ""},
		{"a value that begins with a tab is malformed", []any{h2GetOf(1, "x: \ty")}, malformed, ""},
		{"a value that ends with a blank is malformed", []any{h2GetOf(1, "x: y ")}, malformed, ""},
		{"a value that ends with a tab is malformed", []any{h2GetOf(1, "x: y\t")}, malformed, ""},
		{"a value of one blank is malformed", []any{h2GetOf(1, "x:  ")}, malformed, ""},
		{"a piece of Cookie that ends with a blank is malformed", []any{h2GetOf(1, "cookie: a=b ", "cookie: c=d")}, malformed, ""},

		{"a name with upper case is malformed", []any{h2GetOf(1, "xY: z")}, malformed, ""},
		{"a name that is known, with upper case, is malformed", []any{h2GetOf(1, "Host: a")}, malformed, ""},
		{"a name that is empty is malformed", []any{h2GetOf(1, ": y")}, malformed, ""},
		{"a name with a blank is malformed", []any{h2GetOf(1, "x y: z")}, malformed, ""},
		{"a name with a blank at its end is malformed", []any{h2GetOf(1, "x : z")}, malformed, ""},
		{"a name with NUL is malformed", []any{h2GetOf(1, "x\x00: z")}, malformed, ""},
		{"a name with CR and LF is malformed", []any{h2GetOf(1, "x\r\ny: z")}, malformed, ""},
		{"a name with a colon inside is malformed", []any{h2GetOf(1, "x:y: z")}, malformed, ""},
		{"a name with a byte above ASCII is malformed", []any{h2GetOf(1, "\xe4: z")}, malformed, ""},
		{"a name with DEL is malformed", []any{h2GetOf(1, "x\x7f: z")}, malformed, ""},
		{"a name with a comma, which is in no token, is malformed", []any{h2GetOf(1, "x,y: z")}, malformed, ""},

		{"a value with a control character that HTTP/1.1 forbids, too, is 400", []any{h2GetOf(1, "x: y\x01z")}, "400 on 1", "400: a field holds a control character"},
		{"a value with DEL is 400", []any{h2GetOf(1, "x: y\x7fz")}, "400 on 1", "400: a field holds a control character"},
		{"a fault is kept in the table with its field", []any{h2GetOf(1, "x: y "), h2GetOf(3, "x: y ")}, "PROTOCOL_ERROR on 1, PROTOCOL_ERROR on 3", ""},
		{"a faulty value in the table does not make its name faulty", []any{h2GetOf(1, "x: y "), h2GetOf(3, "x: z")}, "PROTOCOL_ERROR on 1, 200 on 3", `GET / at a x="z"`},
		{"a faulty name in the table stays faulty with another value", []any{h2GetOf(1, "X: y"), h2GetOf(3, "X: z")}, "PROTOCOL_ERROR on 1, PROTOCOL_ERROR on 3", ""},
		{"the body of a request that is malformed is ignored", []any{h2PostOf(1, "X: y"), h2Data(1, "a"), h2Last(1, "b")}, malformed, ""},
		{"so are its trailers, which the table gets", []any{h2PostOf(1, "X: y"), h2Only(1, "y: z"), h2GetOf(3, "y: z")}, "PROTOCOL_ERROR on 1, 200 on 3", `GET / at a y="z"`},
		{"the requests beside it go on", []any{h2PostOf(1), h2GetOf(3, "x: y "), h2Last(1, "body")}, "PROTOCOL_ERROR on 3, 200 on 1", `POST / at a "body"`},
	})
}
