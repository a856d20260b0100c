package main

import (
	"io"
	"log/slog"
	"strings"

	"github.com/bobbin-http/bobbin/http"
)

// The beginning and the end of serving, as others hear of them: a service manager, the process
// before this one, scripts that wait for a port.

// begins is called when all sockets are open, and before the servers run.
func (s *site) begins(o *options, servers http.Servers, admin *adminServer, at []string, log *slog.Logger, stderr io.Writer, env func(string) string) error {
	s.stop = s.newStopper(o, servers, stderr)
	s.upgrader = s.newUpgrader(o, servers, admin, log, stderr)
	s.manager = newManager(env, log)
	s.status = "serving " + strings.Join(at, ", ")
	if o.heir == nil {
		if err := s.port.write(&o.life); err != nil {
			return err
		}
	}
	go s.hasBegun(o, servers, admin, at, log, env)
	return nil
}

// hasBegun says that requests are served, when all loops have turned. In an upgrade it takes
// over before, and leaves all that the process before has as it is until then.
func (s *site) hasBegun(o *options, servers http.Servers, admin *adminServer, at []string, log *slog.Logger, env func(string) string) {
	if !turned(servers, s.stop.asked) {
		return
	}
	if o.heir != nil {
		all := servers
		if admin != nil {
			all = append(all[:len(all):len(all)], admin.server)
		}
		if err := o.heir.takeOver(all); err != nil {
			log.Error("the upgrade failed", "error", err) // the process before ends this one
			return
		}
		log.Info("took over from the process before", "pid", o.heir.from.PID)
		if err := s.port.write(&o.life); err != nil {
			log.Error("the port is in no file", "error", err)
		}
	}
	s.manager.serving(s.status)
	s.manager.watch(env, servers, s.stop.ended)
	if o.life.open && o.heir == nil {
		openBrowser(at[0], log)
	}
}

// ends is called when the servers have ended.
func (s *site) ends(log *slog.Logger) {
	close(s.stop.ended)
	s.upgrader.running.Wait() // a new process that is not ready is killed, or it would take over
	if s.next.Load() == nil {
		if err := s.port.remove(); err != nil {
			log.Warn("the file with the port stays", "error", err)
		}
	}
	s.manager.end()
}
