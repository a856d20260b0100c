package sidebars

import "golang.org/x/sys/unix"

// sent is how many bytes a client sends before it ends.
const sent = 1000

// End has a client send bytes and hang up, and counts those that were not read when the
// server closes.
func End() (careless, careful int, err error) {
	if careless, err = lost(false); err != nil {
		return 0, 0, err
	}
	careful, err = lost(true)
	return careless, careful, err
}

// #region eof

func lost(careful bool) (bytes int, err error) {
	server, client, err := pair()
	if err != nil {
		return 0, err
	}
	unix.Write(client, make([]byte, sent))
	unix.Close(client)
	ended, err := reportsEnd(server) // by EPOLLRDHUP or EV_EOF
	if err != nil {
		return 0, err
	}
	bytes = sent
	if ended && !careful {
		return bytes, unix.Close(server)
	}
	for piece := make([]byte, 300); ; {
		n, err := unix.Read(server, piece)
		if n <= 0 {
			unix.Close(server)
			return bytes, err
		}
		bytes -= n
	}
}

// #endregion
