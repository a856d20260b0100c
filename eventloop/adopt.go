package eventloop

import (
	"fmt"
	"os"

	"github.com/bobbin-http/bobbin"
)

// A Socket is a listener that the program has, such as a *net.TCPListener or a
// *net.UnixListener.
type Socket interface {
	File() (*os.File, error)
	Close() error
}

// ListenOn accepts connections from a listener of the program's, which must not accept any
// more itself. It is closed when the loop has closed its own. At a stop the connections
// in its queue are accepted, and then it is closed: whether another process has the
// socket, too, is not known, so it is not made to refuse connections.
func (l *Loop) ListenOn(from Socket, how bobbin.ListenOptions, begin func(*Conn) Protocol) (*Listener, error) {
	l.owner.check("Loop.ListenOn")
	file, err := from.File()
	if err != nil {
		return nil, fmt.Errorf("cannot listen on a %T: %w", from, err)
	}
	defer file.Close()
	ln, err := l.Listen(bobbin.Address{FD: int(file.Fd())}, how, begin)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on a %T: %w", from, err)
	}
	ln.handedOver.Store(false)
	ln.from = from
	return ln, nil
}

// ListenOn is Loop.ListenOn for all of them: the first accepts, and gives each its part.
func (ls Loops) ListenOn(from Socket, how bobbin.ListenOptions, begin func(loop int) func(*Conn) Protocol) (*Listener, error) {
	ln, err := ls[0].ListenOn(from, how, begin(0))
	if err != nil {
		return nil, err
	}
	if _, err := ls.share([]*Listener{ln}, begin); err != nil {
		return nil, err
	}
	return ln, nil
}
