package sidebars

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/bobbin-http/bobbin/cmd/tour/steps/ready"
)

// Reuse has two clients send something at the same time. The server handles the event of
// the first by closing the second, and takes a new client.
func Reuse() (careless, careful int, err error) {
	if careless, err = misdelivered(false); err != nil {
		return 0, 0, err
	}
	careful, err = misdelivered(true)
	return careless, careful, err
}

// #region reuse

func misdelivered(careful bool) (n int, err error) {
	poller, first, second, err := twoReady()
	if err != nil {
		return 0, err
	}
	clients := map[int]string{first: "old", second: "old"}
	var toClose []int
	events := make([]ready.Event, 8)
	got, err := 0, error(nil)
	for got == 0 && err == nil {
		got, err = poller.Wait(events, 1000) // a signal may end it early, with none
	}
	if err != nil || got != 2 {
		return 0, errors.Join(err, errors.New("the two events are not in one batch"))
	}
	for i, event := range events[:got] {
		switch {
		case i == 0: // it asks for the other one to be closed
			other := first + second - event.FD
			delete(clients, other)
			if careful {
				toClose = append(toClose, other) // when the batch is done
			} else {
				unix.Close(other)
			}
			newcomer, _, err := pair() // has the lowest number that is free
			if err != nil {
				return 0, err
			}
			clients[newcomer] = "new"
		case clients[event.FD] == "new":
			n++ // this event is of the client that had the number before
		}
	}
	for _, socket := range toClose {
		unix.Close(socket)
	}
	return n, nil
}

// #endregion

// twoReady makes two sockets in which something has come.
func twoReady() (poller *ready.Poller, first, second int, err error) {
	if poller, err = ready.Open(); err != nil {
		return nil, 0, 0, err
	}
	for _, socket := range []*int{&first, &second} {
		var far int
		if *socket, far, err = pair(); err != nil {
			return nil, 0, 0, err
		}
		unix.Write(far, []byte("hello"))
		if err = poller.Watch(*socket, ready.Level); err != nil {
			return nil, 0, 0, err
		}
	}
	return poller, first, second, nil
}
