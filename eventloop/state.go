package eventloop

// State is where a connection is in its life, as far as the loop is concerned.
// What is being said on it is its protocol's matter.
type State uint8

const (
	Fresh      State = iota // accepted; the kernel has not been asked to watch it
	Open                    // watched: both sides may speak
	HalfClosed              // ours has ended, or is about to; the peer may speak
	Closing                 // the last bytes of ours are on their way into the socket
	Lingering               // our half is shut; bytes from the peer are thrown away
	Dead                    // out of the conversation; the descriptor goes when this turn ends
	States                  // how many there are
)

var stateNames = [States]string{"fresh", "open", "half-closed", "closing", "lingering", "dead"}

// String returns the state as a word.
func (s State) String() string { return stateNames[s] }

// Follows holds what may come after each state. The tests walk every arrow.
var Follows = [States][]State{
	Fresh:      {Open, HalfClosed, Closing, Dead},
	Open:       {HalfClosed, Closing, Dead},
	HalfClosed: {Closing, Dead},
	Closing:    {Lingering, Dead},
	Lingering:  {Dead},
	Dead:       {},
}

// become moves a connection to its next state. A step not in the table is a mistake here.
func (c *Conn) become(s State) {
	for _, next := range Follows[c.state] {
		if next == s {
			if c.fd != noDescriptor {
				c.loop.record(StateChange, c, int64(c.state)<<8|int64(s))
			}
			c.state = s
			return
		}
	}
	panic("eventloop: internal error: a connection cannot go from " + c.state.String() + " to " + s.String())
}
