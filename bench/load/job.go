package load

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/bench/child"
	"github.com/bobbin-http/bobbin/bench/h2"
)

// A Job is the work of one generator. Another process of this program does it, bound
// to the client's core, so that measuring and load are separate. That process has the
// job on its command line after Word, and prints its Outcome.
type Job struct {
	Kind        Kind
	To          string      // address and port
	Request     string      // of HTTP/1.1
	HTTP2       *h2.Request `json:",omitempty"` // in its place: a request of HTTP/2
	WebSocket   *Talk       `json:",omitempty"` // in its place: messages
	Connections int
	TLS         bool          `json:",omitempty"` // handshakes are encrypted anyway
	Rate        float64       `json:",omitempty"` // requests a second
	Lasts       time.Duration `json:",omitempty"`
}

// A Talk is what connections say over WebSocket.
type Talk struct {
	Size   int // bytes of a message
	AtOnce int // messages of a connection that are on their way at the same time
}

// A Kind is a generator.
type Kind string

const (
	OpenLoop   Kind = "open loop"  // Rate, Connections, Lasts, TLS
	Hold       Kind = "hold"       // Connections, TLS, HTTP2 or WebSocket, until the input ends
	Handshakes Kind = "handshakes" // Connections, Lasts; full ones
	Resumed    Kind = "resumed"    // the same, with tickets
	Echo       Kind = "echo"       // WebSocket, Connections, Lasts, begun by a byte of the input
	Broadcast  Kind = "broadcast"  // the same
)

// Word is the first argument of a generator process. Only this program uses it.
const Word = "load"

// Main does the job on the command line, and reports whether there was one.
func Main(args []string, in io.Reader, out io.Writer) (had bool, err error) {
	if len(args) != 2 || args[0] != Word {
		return false, nil
	}
	var j Job
	if err := json.Unmarshal([]byte(args[1]), &j); err != nil {
		return true, err
	}
	o, err := j.do(context.Background(), in, out)
	if err != nil {
		return true, err
	}
	return true, json.NewEncoder(out).Encode(o)
}

// grace is for answers that are missing when the last request is due.
const grace = time.Second

func (j Job) do(ctx context.Context, in io.Reader, out io.Writer) (Outcome, error) {
	to, err := netip.ParseAddrPort(j.To)
	if err != nil {
		return Outcome{}, err
	}
	var config *tls.Config
	if j.TLS {
		config = clientTLS()
		if j.HTTP2 != nil {
			config.NextProtos = []string{h2.Protocol}
		}
	}
	switch j.Kind {
	case OpenLoop:
		l := &openLoop{to: to, request: []byte(j.Request), rate: j.Rate, lasts: j.Lasts, grace: grace, tls: config}
		return l.run(ctx, j.Connections)
	case Hold:
		return hold(ctx, to, config, j.asking(), j.Connections, in, out)
	case Handshakes:
		return handshakes(ctx, to, []byte(j.Request), j.Connections, j.Lasts, false)
	case Resumed:
		return handshakes(ctx, to, []byte(j.Request), j.Connections, j.Lasts, true)
	case Echo:
		return echo(ctx, to, j.Connections, j.WebSocket.Size, j.WebSocket.AtOnce, j.Lasts, in, out)
	case Broadcast:
		return broadcast(ctx, to, j.Connections, j.WebSocket.Size, j.Lasts, in, out)
	}
	return Outcome{}, fmt.Errorf("unknown generator %q", j.Kind)
}

func (j Job) command(core int) (child.Command, error) {
	self, err := os.Executable()
	if err != nil {
		return child.Command{}, err
	}
	text, err := json.Marshal(j)
	if err != nil {
		return child.Command{}, err
	}
	return child.Command{Args: []string{self, Word, string(text)}, Core: core}, nil
}

// Run does a job in a process of its own.
func (j Job) Run(ctx context.Context, core int) (Outcome, error) {
	c, err := j.command(core)
	if err != nil {
		return Outcome{}, err
	}
	text, err := child.Output(ctx, c)
	if err != nil {
		return Outcome{}, fmt.Errorf("%s: %w", j.Kind, err)
	}
	var o Outcome
	return o, json.Unmarshal([]byte(text), &o)
}

// A Crowd is a process that holds connections: idle ones, or those of a load that begins
// later.
type Crowd struct {
	child *child.Child
	in    *os.File
	out   *lines
}

// Gather starts a process for a job of the kind Hold, Echo or Broadcast, and returns when all
// its connections are open.
func (j Job) Gather(ctx context.Context, core int, patience time.Duration) (*Crowd, error) {
	c, err := j.command(core)
	if err != nil {
		return nil, err
	}
	// A pipe of the system: one in memory would be copied by a goroutine, and the
	// child would end only after that.
	in, end, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	crowd := &Crowd{in: end, out: &lines{first: make(chan struct{})}}
	c.Stdin, c.Stdout = in, crowd.out
	if crowd.child, err = child.Start(ctx, c); err != nil {
		end.Close()
		return nil, err
	}
	select {
	case <-crowd.out.first:
		return crowd, nil
	case <-crowd.child.Done():
		err = crowd.child.Died()
	case <-time.After(patience):
		err = fmt.Errorf("not all are answered after %v", patience)
	}
	crowd.End()
	return nil, fmt.Errorf("idle connections: %w", err)
}

// Close closes the connections, and returns how many were still open.
func (c *Crowd) Close() (int, error) {
	o, err := c.outcome()
	return o.Open, err
}

// Begin begins the load, and returns its outcome. The connections are closed then.
func (c *Crowd) Begin() (Outcome, error) {
	if _, err := c.in.Write([]byte{'\n'}); err != nil {
		return Outcome{}, err
	}
	return c.outcome()
}

func (c *Crowd) outcome() (o Outcome, err error) {
	c.in.Close()
	if err := c.child.Wait(); err != nil {
		return o, err
	}
	_, text, _ := strings.Cut(c.out.text.String(), holding+"\n")
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return o, errors.New("the outcome of the connections is unknown")
	}
	return o, nil
}

// End is Close without the result.
func (c *Crowd) End() {
	c.in.Close()
	c.child.End()
}

// lines keeps written bytes and reports when the first line is complete. Its text is
// read after the writer has ended.
type lines struct {
	text  strings.Builder
	first chan struct{}
	told  bool
}

func (l *lines) Write(p []byte) (int, error) {
	l.text.Write(p)
	if !l.told && bytes.IndexByte(p, '\n') >= 0 {
		l.told = true
		close(l.first)
	}
	return len(p), nil
}
