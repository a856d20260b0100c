package eventloop

// Attach has the loop call ready whenever a descriptor that is not a connection
// becomes readable, such as one that tells of changes in a folder. It is told
// once for each change: ready reads until there is no more. The descriptor stays
// its owner's, who detaches it before closing it.
func (l *Loop) Attach(fd int, ready func()) error {
	l.own("Loop.Attach")
	if err := l.kernel.Watch(fd); err != nil {
		return err
	}
	if l.attached == nil {
		l.attached = make(map[int]func())
	}
	l.attached[fd] = ready
	return nil
}

// Detach ends that. The descriptor is closed next.
func (l *Loop) Detach(fd int) {
	l.own("Loop.Detach")
	delete(l.attached, fd)
}
