package eventloop

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// A shop is a loop with workers whose disks may hang.
type shop struct {
	*house
	s *sim.Script

	running, most int
	took          map[string]time.Duration // until the reply, by name
	errs          map[string]error
	over          int
}

// work runs a script that hands out jobs, on the loop.
func work(t *testing.T, limits Limits, orders func(s *shop)) {
	t.Helper()
	h := build(t, limits, func(*Conn) Protocol { return &script{} })
	sh := &shop{house: h, took: map[string]time.Duration{}, errs: map[string]error{}}
	h.visit(func(s *sim.Script, w *sim.Wire) {
		sh.s = s
		orders(sh)
		w.Close()
	})
	if err := h.live(); err != nil {
		t.Errorf("the loop ended with: %v", err)
	}
	for i := range h.workers.lanes {
		lane := &h.workers.lanes[i]
		if lane.busy+lane.lost+lane.waiting.Len()+len(lane.places)+lane.clients.Clients() != 0 {
			t.Errorf("lane %d is not empty: %d busy, %d lost, %d wait, %d places, %d clients",
				i, lane.busy, lane.lost, lane.waiting.Len(), len(lane.places), lane.clients.Clients())
		}
	}
	if h.workers.busy != 0 || h.workers.reserved != 0 || h.workers.forMemory.Len() != 0 || h.workers.earliest != nil || h.workers.latest != nil {
		t.Errorf("%d work, %d bytes are reserved, %v has a deadline", h.workers.busy, h.workers.reserved, h.workers.earliest)
	}
}

// do hands out a job that takes some time.
func (s *shop) do(name string, takes time.Duration, j Job) {
	s.Post(func() {
		since := s.Uptime()
		j.Work = func() {
			s.running++
			s.most = max(s.most, s.running)
			if takes > 0 {
				s.k.Hang(takes)
			}
			s.running--
		}
		j.Reply = func(err error) {
			if _, twice := s.took[name]; twice {
				s.t.Errorf("%s is answered twice", name)
			}
			s.took[name], s.errs[name] = s.Uptime()-since, err
		}
		j.Over = func() { s.over++ }
		s.OffloadJob(j)
	})
}

// atOnce checks that a job was done without having to wait for others.
func (s *shop) atOnce(name string) {
	s.t.Helper()
	if took, ok := s.took[name]; !ok || took > 10*time.Millisecond || s.errs[name] != nil {
		s.t.Errorf("%s: took %v, %v", name, took, s.errs[name])
	}
}

const anHour = time.Hour

func TestNoKindOfWorkNoClientAndNoFolderTakesAllWorkers(t *testing.T) {
	a, b := client("192.0.2.1"), client("192.0.2.2")
	for _, row := range []struct {
		name  string
		hangs func(i int) Job // of 64 that hang
		most  int             // of them at a time
		other Job
	}{
		{"a folder that hangs has half of the workers",
			func(i int) Job { return Job{Lane: LaneLookups, Client: a, Place: fmt.Sprintf("/hangs/%d", i)} }, 16,
			Job{Lane: LaneLookups, Client: a, Place: "/other"}},
		{"also when many clients ask for it",
			func(i int) Job {
				return Job{Lane: LaneLookups, Client: client(fmt.Sprintf("192.0.2.%d", i)), Place: fmt.Sprintf("/hangs/%d/", i)}
			}, 16,
			Job{Lane: LaneLookups, Client: b, Place: "/other/"}},
		{"a folder in a folder has a quarter of them",
			func(i int) Job {
				return Job{Lane: LaneLookups, Client: a, Place: fmt.Sprintf("/sub/hangs/%d/%d", i, i)}
			}, 8,
			Job{Lane: LaneLookups, Client: a, Place: "/sub/other"}},
		{"a folder in that has an eighth",
			func(i int) Job { return Job{Lane: LaneLookups, Client: a, Place: fmt.Sprintf("/a/b/hangs/%d", i)} }, 4,
			Job{Lane: LaneLookups, Client: a, Place: "/a/b/other"}},
		{"a client has three quarters of them",
			func(i int) Job { return Job{Client: a} }, 24, Job{Client: b}},
		{"reads leave look-ups their workers",
			func(i int) Job { return Job{Lane: LaneReads, Client: client(fmt.Sprintf("192.0.2.%d", i))} }, 32,
			Job{Lane: LaneLookups, Client: b}},
		{"handlers leave them, too",
			func(i int) Job { return Job{Client: client(fmt.Sprintf("192.0.2.%d", i))} }, 32,
			Job{Lane: LaneLookups, Client: b}},
		{"so does large work, which has four",
			func(i int) Job { return Job{Lane: LaneLarge, Client: client(fmt.Sprintf("192.0.2.%d", i))} }, 4,
			Job{Lane: LaneLookups, Client: b}},
	} {
		t.Run(row.name, func(t *testing.T) {
			work(t, Limits{}, func(s *shop) {
				for i := range 64 {
					s.do(fmt.Sprint(i), anHour, row.hangs(i))
				}
				s.s.Sleep(time.Second)
				if s.most != row.most {
					t.Errorf("%d run, not %d", s.most, row.most)
				}
				s.do("the other", 0, row.other)
				s.s.Sleep(time.Second)
				s.atOnce("the other")
				s.s.Sleep(time.Minute) // the workers are lost, and others hang in their place
				for i := range 64 {
					if err := s.errs[fmt.Sprint(i)]; !errors.Is(err, ErrWorkerTimeout) {
						t.Errorf("%d: %v", i, err)
					}
					if took := s.took[fmt.Sprint(i)]; took > s.limits.WorkerTimeout+time.Second {
						t.Errorf("%d waits for %v", i, took)
					}
				}
				s.do("another", 0, row.other)
				s.s.Sleep(time.Second)
				s.atOnce("another")
				s.s.Sleep(3 * anHour)
				if s.over != 66 {
					t.Errorf("%d of 66 are over", s.over)
				}
			})
		})
	}
}

func TestWhereWorkersHangNoneIsSentUntilOneComesBack(t *testing.T) {
	work(t, Limits{}, func(s *shop) {
		at := Job{Lane: LaneLookups, Place: "/hangs/a"}
		for i := range 20 {
			s.do(fmt.Sprint(i), time.Minute, at)
		}
		s.s.Sleep(30 * time.Second)
		if got := s.Lost(); got != 8 {
			t.Errorf("%d workers are lost", got)
		}
		if lost, late := s.Count(WorkerLost), s.Count(WorkTimedOut); lost != 8 || late != 20 {
			t.Errorf("%d workers are lost, and %d jobs late", lost, late)
		}
		s.do("refused", 0, at)
		s.do("beside it", 0, Job{Lane: LaneLookups, Place: "/hangs/b"})
		s.s.Sleep(time.Second)
		if err := s.errs["refused"]; err != ErrWorkerTimeout || s.took["refused"] > 10*time.Millisecond {
			t.Errorf("it is not refused at once: %v after %v", err, s.took["refused"])
		}
		s.atOnce("beside it")
		s.s.Sleep(time.Minute)
		s.do("later", 0, at)
		s.s.Sleep(time.Second)
		s.atOnce("later")
	})
}

func TestWhoWaitsForAWorkerIsRefusedWhereOthersHang(t *testing.T) {
	work(t, Limits{Workers: 2}, func(s *shop) {
		s.do("hangs", anHour, Job{Lane: LaneLookups, Place: "/x/a"})
		s.do("takes long", anHour, Job{Lane: LaneLookups})
		s.s.Sleep(10 * time.Second)
		s.do("waits", 0, Job{Lane: LaneLookups, Place: "/x/b"})
		s.s.Sleep(anHour)
		if took := s.took["waits"]; s.errs["waits"] != ErrWorkerTimeout || took > 11*time.Second {
			t.Errorf("%v after %v", s.errs["waits"], took)
		}
	})
}

func TestClientsTakeTurnsForWorkers(t *testing.T) {
	work(t, Limits{Workers: 1}, func(s *shop) {
		for i := range 20 {
			s.do(fmt.Sprint(i), 100*time.Millisecond, Job{Client: client("192.0.2.1")})
		}
		s.do("of another", 0, Job{Client: client("192.0.2.2")})
		s.s.Sleep(3 * time.Second)
		if took := s.took["of another"]; took > 250*time.Millisecond {
			t.Errorf("it waits for %v", took)
		}
	})
}

func TestAWorkerThatBeganLateIsNotLost(t *testing.T) {
	work(t, Limits{Workers: 1}, func(s *shop) {
		s.do("first", 19*time.Second, Job{})
		s.do("second", 10*time.Second, Job{})
		s.s.Sleep(time.Minute)
		if s.Count(WorkerLost) != 0 || s.errs["first"] != nil || s.errs["second"] != ErrWorkerTimeout || s.took["second"] > 21*time.Second {
			t.Errorf("%d lost, %v, %v after %v", s.Count(WorkerLost), s.errs["first"], s.errs["second"], s.took["second"])
		}
	})
}

func TestPatientWorkHasNoDeadline(t *testing.T) {
	work(t, Limits{}, func(s *shop) {
		s.do("it", time.Minute, Job{NoTimeout: true})
		s.s.Sleep(2 * time.Minute)
		if s.errs["it"] != nil || s.took["it"] < time.Minute {
			t.Errorf("%v after %v", s.errs["it"], s.took["it"])
		}
	})
}

func TestWorkThatIsNotWantedAnyMoreIsNotBegun(t *testing.T) {
	work(t, Limits{Workers: 1}, func(s *shop) {
		wanted := true
		s.do("first", time.Second, Job{})
		s.do("second", time.Second, Job{Wanted: func() bool { return wanted }})
		s.s.Sleep(time.Second / 2)
		wanted = false
		s.s.Sleep(time.Minute)
		if s.errs["first"] != nil || s.errs["second"] != ErrSkipped || s.took["second"] > 1100*time.Millisecond || s.Count(WorkSkipped) != 1 || s.over != 2 {
			t.Errorf("%v, %v after %v, %d are over", s.errs["first"], s.errs["second"], s.took["second"], s.over)
		}
	})
}

func TestMemoryOfWorkersIsReserved(t *testing.T) {
	work(t, Limits{OutputTotal: 10 << 20}, func(s *shop) {
		for i := range 20 {
			s.do(fmt.Sprint(i), 100*time.Millisecond, Job{Memory: 3 << 20})
		}
		s.do("small", 0, Job{Client: client("192.0.2.2"), Memory: 1 << 20})
		s.s.Sleep(50 * time.Millisecond)
		if s.most != 4 || s.Reserved() != 9<<20 {
			t.Errorf("%d run, %d bytes are reserved", s.most, s.Reserved())
		}
		s.do("larger than all there is", 0, Job{Memory: 100 << 20})
		s.s.Sleep(time.Minute)
		if s.over != 22 || s.errs["larger than all there is"] != nil {
			t.Errorf("%d of 22 are over", s.over)
		}
		s.atOnce("small")
	})
}

// TestAStopDoesNotWaitForWorkersThatHang: for those that may come back it does, for
// Drain.
func TestAStopDoesNotWaitForWorkersThatHang(t *testing.T) {
	for _, row := range []struct {
		name  string
		after time.Duration
		drain time.Duration
	}{
		{"it waits for one that may come back", time.Second, 10 * time.Second},
		{"not for one that is lost", time.Minute, 0},
	} {
		h := build(t, Limits{}, func(*Conn) Protocol { return &script{} })
		var stopped time.Time
		h.visit(func(s *sim.Script, w *sim.Wire) {
			h.Post(func() {
				for i := range 8 {
					h.OffloadJob(Job{
						Lane: LaneLookups, Place: fmt.Sprintf("/%d", i),
						Work: func() { h.k.Hang(anHour) }, Reply: func(error) {},
					})
				}
			})
			s.Sleep(row.after)
			w.Close()
			stopped = h.k.Now()
		})
		h.Run()
		if took := h.k.Now().Sub(stopped); took < row.drain || took > row.drain+time.Second {
			t.Errorf("%s: it takes %v", row.name, took)
		}
	}
}
