// Package sdnotify tells a service manager how the process is: systemd's protocol of
// sd_notify(3), and its watchdog. A message is one datagram to the socket that the variable
// NOTIFY_SOCKET names.
package sdnotify

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// A Notifier sends messages.
type Notifier struct{ at *net.UnixAddr }

// New returns the notifier for the socket that is named in the environment, or nil if none
// is.
func New(env func(string) string) (*Notifier, error) {
	name := env("NOTIFY_SOCKET")
	switch {
	case name == "":
		return nil, nil
	case name[0] != '/' && name[0] != '@':
		return nil, fmt.Errorf("NOTIFY_SOCKET is %q, and has to be a path, or @ and a name: the service manager is told nothing", name)
	}
	return &Notifier{at: &net.UnixAddr{Name: name, Net: "unixgram"}}, nil // of @ package net makes an abstract address
}

// sendWithin is how long a service manager that reads nothing is waited for.
const sendWithin = time.Second

// Send sends one message of several variables, such as "READY=1". It may wait for a moment,
// so no loop calls it.
func (n *Notifier) Send(variables ...string) error {
	c, err := net.DialUnix("unixgram", nil, n.at)
	if err != nil {
		return fmt.Errorf("NOTIFY_SOCKET: %w", err)
	}
	defer c.Close()
	if err := c.SetWriteDeadline(time.Now().Add(sendWithin)); err != nil {
		return fmt.Errorf("NOTIFY_SOCKET: %w", err)
	}
	if _, err := c.Write([]byte(strings.Join(variables, "\n"))); err != nil {
		return fmt.Errorf("NOTIFY_SOCKET: %w", err)
	}
	return nil
}

// Watchdog returns how much time may pass between two messages WATCHDOG=1, or 0 if the
// service manager wants none from this process.
func Watchdog(env func(string) string, pid int) (time.Duration, error) {
	text, process := env("WATCHDOG_USEC"), env("WATCHDOG_PID")
	if text == "" || process != "" && process != strconv.Itoa(pid) {
		return 0, nil
	}
	us, err := strconv.ParseInt(text, 10, 64)
	if err != nil || us <= 0 || us > int64(time.Duration(1<<63-1)/time.Microsecond) {
		return 0, fmt.Errorf("WATCHDOG_USEC is %q, and has to be a number of microseconds above 0: the watchdog of the service manager hears nothing", text)
	}
	return time.Duration(us) * time.Microsecond, nil
}
