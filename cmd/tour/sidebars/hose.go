package sidebars

import "golang.org/x/sys/unix"

const (
	endless = 10_000 // reads, after which we believe that they would not end
	budget  = 16     // reads from one client, before it is the others' turn
)

// Hose has one client that sends whenever it is read, and another that sends once.
func Hose() (careless, careful int, err error) {
	if careless, err = readsBeforeOthers(endless); err != nil {
		return 0, 0, err
	}
	careful, err = readsBeforeOthers(budget)
	return careless, careful, err
}

// #region hose

func readsBeforeOthers(most int) (reads int, err error) {
	hose, nozzle, err := pair()
	if err != nil {
		return 0, err
	}
	quiet, quietClient, err := pair()
	if err != nil {
		return 0, err
	}
	water, piece := make([]byte, 1024), make([]byte, 1024)
	unix.Write(nozzle, water)
	unix.Write(quietClient, []byte("hello"))
	for reads < most { // what is left over is for the next turn
		n, err := unix.Read(hose, piece)
		if err == unix.EAGAIN || n <= 0 {
			break // and that would be the end of it, if it came
		}
		reads++
		unix.Write(nozzle, water) // a fast client, on another processor
	}
	_, err = unix.Read(quiet, piece)
	return reads, err
}

// #endregion
