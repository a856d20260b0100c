package eventloop

// Attach has the loop call ready whenever a descriptor that is not a connection
// becomes readable, such as one that tells of changes in a folder. It is told
// once for each change: ready reads until there is no more. The descriptor stays
// its owner's, who detaches it before closing it.
func (l *Loop) Attach(fd int, ready func()) error {
	l.owner.check("Loop.Attach")
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
	l.owner.check("Loop.Detach")
	delete(l.attached, fd)
}

// onOther handles an event of a descriptor that is no connection's.
func (l *Loop) onOther(fd int) {
	if ln := l.listeners.at(fd); ln != nil {
		ln.ready = true
		ln.accept()
		l.endAccept()
	} else if ready := l.attached[fd]; ready != nil {
		l.shield(ready)
		l.endCallback(nil)
	}
}

// WatchFolder calls changed, on the loop, for each path that changes below a folder,
// until stop is called. The path is "" when more has changed than is known, or the folder
// itself is gone. Folders that cannot be watched are left out, with a line in the log.
// Where the kernel watches no folders, WatchFolder returns errors.ErrUnsupported.
func (l *Loop) WatchFolder(folder string, changed func(path string)) (stop func(), err error) {
	l.owner.check("Loop.WatchFolder")
	w, err := l.kernel.WatchFolder(folder)
	if err != nil {
		return nil, err
	}
	tellMissed := func() {
		if err := w.Missed(); err != nil {
			l.report.complain("some folders are not watched", err)
		}
	}
	err = l.Attach(w.FD(), func() {
		if w.Changes(changed) != nil {
			changed("")
		}
		tellMissed()
	})
	if err != nil {
		w.Close()
		return nil, err
	}
	tellMissed()
	return func() {
		l.Detach(w.FD())
		w.Close()
	}, nil
}
