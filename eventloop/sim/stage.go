package sim

// A Stopper is a loop or a server as Stage runs it.
type Stopper interface {
	Run() error
	Stop()
}

// A Tester is the part of testing.TB that Stage needs.
type Tester interface {
	Helper()
	Errorf(format string, args ...any)
}

// Stage runs a loop or a server over the kernel until all scripts have come to their
// end, and stops it then, unless stopping reports that a script has. It fails the test for every fault, and for
// all that is left behind: descriptors, scripts and works that wait for ever. It returns
// the result of Run.
func (k *Kernel) Stage(t Tester, s Stopper, stopping func() bool) error {
	t.Helper()
	k.Every = func() {
		if k.Running() == 0 && !stopping() {
			s.Stop()
		}
	}
	err := s.Run()
	k.Abandon()
	for _, fault := range k.Faults() {
		t.Errorf("%s", fault)
	}
	if n := k.OpenDescriptors(); n > 0 {
		t.Errorf("%d descriptors are still open", n)
	}
	if n := k.Parked(); n > 0 {
		t.Errorf("%d handlers never return", n)
	}
	return err
}
