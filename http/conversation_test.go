package http

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A conversation is one paragraph of testdata/*.md: what a client says, and what
// it must hear. testdata/README.md describes the notation.
type conversation struct {
	name   string // the heading, a sentence
	where  string // file:line
	why    string // the prose
	limits Limits
	uncut  bool // a breath must arrive in one piece
	proxy  bool // the client is a proxy, which begins with a PROXY header
	steps  []step
}

// A step is one thing that a client does or that it expects.
type step struct {
	act    act
	say    []byte
	wait   time.Duration
	answer answer
}

type act uint8

const (
	says         act = iota // bytes
	waits                   // a time
	saysEnd                 // FIN, and goes on reading
	breaks                  // RST
	hears                   // one answer
	mayHear                 // the same, or nothing of it
	hearsEnd                // FIN, and nothing before it
	hearsReset              // RST
	hearsSilence            // nothing, although the connection stands
	hearsOpen               // nothing, and the next request would be answered
)

// An answer is what must be in one, besides what is in every one.
type answer struct {
	status   string // the whole line
	fields   []string
	absent   []string // names
	hasBody  bool     // body says all of it
	body     []byte
	untilEnd bool // the body ends with the connection
	headed   bool // only the head comes: the request was HEAD
}

// readConversations reads all of testdata.
func readConversations(t *testing.T) []*conversation {
	files, err := filepath.Glob("testdata/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	var all []*conversation
	for _, file := range files {
		if filepath.Base(file) == "README.md" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r := pageReader{file: filepath.Base(file)}
		for i, line := range strings.Split(string(text), "\n") {
			r.line = i + 1
			if err := r.read(line); err != nil {
				t.Fatalf("%s:%d: %v", file, r.line, err)
			}
		}
		all = append(all, r.all...)
	}
	return all
}

// A pageReader reads one page, line by line.
type pageReader struct {
	file   string
	line   int
	all    []*conversation
	now    *conversation
	inWire bool
	inBody bool // of an answer
}

func (r *pageReader) read(line string) error {
	switch {
	case strings.HasPrefix(line, "## "):
		r.now = &conversation{name: line[3:], where: fmt.Sprintf("%s:%d", r.file, r.line)}
		r.all = append(r.all, r.now)
	case r.now == nil:
		// What the page is about.
	case line == "```wire":
		if len(r.now.steps) > 0 {
			return fmt.Errorf("a second conversation under one heading")
		}
		r.inWire, r.inBody = true, false
	case line == "```":
		r.inWire = false
	case !r.inWire:
		r.now.why += line
	default:
		return r.readStep(line)
	}
	return nil
}

func (r *pageReader) readStep(line string) error {
	sign, rest, _ := strings.Cut(line, " ")
	wasBody := r.inBody
	r.inBody = false
	switch sign {
	case "limits:":
		return setLimits(&r.now.limits, rest)
	case "uncut":
		r.now.uncut = true
	case "proxy":
		r.now.proxy = true
	case "{wait":
		d, err := time.ParseDuration(strings.TrimSuffix(rest, "}"))
		r.add(step{act: waits, wait: d})
		return err
	case ">":
		switch rest {
		case "{end}":
			r.add(step{act: saysEnd})
		case "{reset}":
			r.add(step{act: breaks})
		default:
			p, err := bytesOf(rest)
			r.add(step{act: says, say: p})
			return err
		}
	case "<?":
		r.add(step{act: mayHear, answer: answer{status: rest}})
	case "<":
		r.inBody = wasBody
		return r.readHeard(rest)
	default:
		return fmt.Errorf("%q is no step", line)
	}
	return nil
}

func (r *pageReader) add(s step) { r.now.steps = append(r.now.steps, s) }

// readHeard reads one line that a client hears.
func (r *pageReader) readHeard(rest string) error {
	ends := map[string]act{"{end}": hearsEnd, "{reset}": hearsReset, "{silence}": hearsSilence, "{open}": hearsOpen}
	if act, ok := ends[rest]; ok {
		r.inBody = false
		r.add(step{act: act})
		return nil
	}
	if strings.HasPrefix(rest, "HTTP/1.1 ") {
		r.inBody = false
		r.add(step{act: hears, answer: answer{status: rest}})
		return nil
	}
	if len(r.now.steps) == 0 || r.now.steps[len(r.now.steps)-1].act != hears {
		return fmt.Errorf("an answer begins with a status line, not with %q", rest)
	}
	a := &r.now.steps[len(r.now.steps)-1].answer
	switch {
	case r.inBody:
		p, err := bytesOf(rest)
		a.body = append(a.body, p...)
		return err
	case rest == "":
		r.inBody, a.hasBody = true, true
	case rest == "!body":
		a.headed = true
	case rest == "!length":
		a.untilEnd = true
	case rest[0] == '!':
		a.absent = append(a.absent, rest[1:])
	case strings.Contains(rest, ": "):
		a.fields = append(a.fields, rest)
	default:
		return fmt.Errorf("%q is no field", rest)
	}
	return nil
}

// bytesOf makes bytes of what stands on a page: \r, \n, \t, \0, \xHH, \\, and
// {TEXT*N} for N times TEXT.
func bytesOf(s string) ([]byte, error) {
	var p []byte
	for len(s) > 0 {
		switch s[0] {
		case '\\':
			if len(s) < 2 {
				return nil, fmt.Errorf("a backslash at the end")
			}
			n := 2
			switch s[1] {
			case 'x':
				if len(s) < 4 {
					return nil, fmt.Errorf(`\x without two digits`)
				}
				b, err := strconv.ParseUint(s[2:4], 16, 8)
				if err != nil {
					return nil, err
				}
				p = append(p, byte(b))
				n = 4
			default:
				at := strings.IndexByte("rnt0\\{", s[1])
				if at < 0 {
					return nil, fmt.Errorf("no such escape: %.2s", s)
				}
				p = append(p, "\r\n\t\x00\\{"[at])
			}
			s = s[n:]
		case '{':
			to := strings.IndexByte(s, '}')
			star := strings.LastIndexByte(s[:max(to, 0)], '*')
			if star < 0 {
				return nil, fmt.Errorf("%q does not repeat anything", s)
			}
			part, err := bytesOf(s[1:star])
			if err != nil {
				return nil, err
			}
			n, err := strconv.Atoi(s[star+1 : to])
			if err != nil {
				return nil, err
			}
			p = append(p, bytes.Repeat(part, n)...)
			s = s[to+1:]
		default:
			p = append(p, s[0])
			s = s[1:]
		}
	}
	return p, nil
}

// setLimits reads "Name=value Name=value".
func setLimits(l *Limits, text string) error {
	for _, pair := range strings.Fields(text) {
		name, value, _ := strings.Cut(pair, "=")
		f := reflect.ValueOf(l).Elem().FieldByName(name)
		if !f.IsValid() {
			return fmt.Errorf("there is no limit %q", name)
		}
		n, err := strconv.ParseInt(value, 10, 64)
		if f.Type() == reflect.TypeFor[time.Duration]() {
			var d time.Duration
			d, err = time.ParseDuration(value)
			n = int64(d)
		}
		if err != nil {
			return err
		}
		f.SetInt(n)
	}
	return nil
}
