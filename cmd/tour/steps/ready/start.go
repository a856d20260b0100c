package ready

// Start listens and has a poller report new clients, once each.
func Start(port int) (*Poller, int, error) {
	listener, err := Listen(port)
	if err != nil {
		return nil, 0, err
	}
	poller, err := Open()
	if err != nil {
		return nil, 0, err
	}
	return poller, listener, poller.Watch(listener, Edge)
}
