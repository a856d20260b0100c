package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// The manual page, in mdoc: man and mandoc show it on a terminal, and mandoc makes HTML,
// PDF and Markdown of it. What the program says of its flags and commands is read from
// their tables.

// manDate is the date of the newest change to the texts of this file.
const manDate = "November 28, 2026"

// A manRow is a term and its explanation.
type manRow struct{ term, text string }

var manEnvironment = []manRow{
	{"Ev BOBBIN_NAME", "The flag --name: BOBBIN_PORT for --port, BOBBIN_TLS_CERT for --tls-cert. Repeatable flags have one value per line. BOBBIN_TRACE=1 prints a line for each record of the event loop instead."},
	{"Ev PORT", "The port, if neither --port nor BOBBIN_PORT is given."},
	{"Ev LISTEN_FDS , LISTEN_PID", "Sockets of a service manager, which are listened on in place of an address."},
	{"Ev GOGC", "The garbage collector's target, as for every Go program. Without it, bobbin bounds garbage by itself."},
	{"Ev NO_COLOR", "bobbin top and bobbin tour print no colours."},
}

var manSignals = []manRow{
	{"Dv SIGTERM , SIGINT", "Finish open requests, then exit. A second signal cuts them off, or ends the time of --drain-delay."},
	{"Dv SIGHUP", "Read files anew: certificates, passwords, redirects and headers. The old ones stay in use if the new ones have an error, which is logged."},
	{"Dv SIGUSR1", "Reopen the access log, after it was renamed."},
	{"Dv SIGUSR2", "Start the program anew, which may be another version, and hand the listening sockets over. If the new process fails, this one goes on, and the log says why."},
	{"Dv SIGQUIT", "Print the state of each loop and the stacks of all goroutines, then exit."},
	{"Dv SIGINFO", "Print one line about the state. A terminal sends this signal for Ctrl-T on macOS and the BSDs."},
}

var manExits = []manRow{
	{"0", "The server was stopped by a signal, and all requests were answered; or the command succeeded."},
	{"1", "The server could not start, or failed later."},
	{"2", "A flag, a variable or the configuration file has an error."},
	{"3", "The server was stopped by a signal, and answers were cut off."},
}

// manCommand is "bobbin man".
func manCommand(t *terminals, args []string, _ func(string) string) int {
	if len(args) > 0 {
		return t.fail(errors.New("usage: bobbin man"))
	}
	fmt.Fprint(t.out, manPage())
	return exitOK
}

// manPage returns the page.
func manPage() string {
	var o options
	o.define()
	var m mdoc
	m.line(".Dd %s", manDate)
	m.line(".Dt BOBBIN 1")
	m.line(".Os")
	m.line(".Sh NAME")
	m.line(".Nm bobbin")
	m.line(".Nd HTTP server for files, on an event loop")
	m.line(".Sh SYNOPSIS")
	m.line(".Nm")
	m.line(".Op Ar flags")
	m.line(".Op Ar PATH")
	for _, name := range commandNames() {
		shape := shapeOf(name)
		m.line(".Nm")
		m.line(".Cm %s", name)
		if len(shape.synopsis) > 1 || strings.Contains(shape.synopsis[0], " ") {
			m.line(".Op Ar ...")
		}
	}
	m.line(".Sh DESCRIPTION")
	m.line(".Nm")
	m.text("serves a folder or one file over HTTP and HTTPS, to HTTP/1.1 and HTTP/2 clients, on one event loop, or on several with --loops.")
	m.text("Without a PATH, it serves a small built-in site, so that no folder is exposed by accident. It listens on this machine only, unless --public or --listen say otherwise.")
	m.line(".Pp")
	m.text(precedence)
	m.flags(o.flags)
	m.commands()
	m.line(".Ss Signals")
	m.rows(manSignals)
	m.line(".Sh ENVIRONMENT")
	m.rows(manEnvironment)
	m.line(".Sh EXIT STATUS")
	m.rows(manExits)
	m.line(".Sh EXAMPLES")
	m.example(usageExample{"bobbin ./public", "serve a folder, on this machine only"})
	o.flags.VisitAll(func(flag *pflag.Flag) {
		for _, e := range examplesOf(flag) {
			m.line(".Pp")
			m.example(e)
		}
	})
	m.line(".Sh SEE ALSO")
	m.line(".Lk https://github.com/bobbin\\-http/bobbin")
	return m.String()
}

// flags writes all flags, by group.
func (m *mdoc) flags(f *pflag.FlagSet) {
	for _, name := range groups {
		m.line(".Ss %s", name)
		m.line(".Bl -tag -width Ds")
		for _, flag := range flagsWith(f, groupKey, name) {
			item := ".It "
			if flag.Shorthand != "" {
				item += "Fl " + flag.Shorthand + " , "
			}
			item += "Fl " + mdocWord("-"+flag.Name)
			switch value := valueName(flag); {
			case value == "":
			case flag.NoOptDefVal != "":
				item += " Ns Oo = Ns Ar " + mdocWord(value) + " Oc"
			default:
				item += " Ar " + mdocWord(value)
			}
			m.line("%s", item)
			m.text(sentence(flagText(flag)))
		}
		m.line(".El")
	}
}

// commands writes the help of each command. Its indented parts keep their lines.
func (m *mdoc) commands() {
	for _, name := range commandNames() {
		shape := shapeOf(name)
		m.line(".Ss bobbin %s", name)
		m.literal(shape.synopsis)
		m.body(strings.Split(strings.TrimRight(shape.body, "\n"), "\n"))
	}
}

// body writes paragraphs, and lists as they are.
func (m *mdoc) body(lines []string) {
	for len(lines) > 0 {
		n := 0
		indented := strings.HasPrefix(lines[0], "  ")
		for n < len(lines) && (lines[n] != "" && strings.HasPrefix(lines[n], "  ") == indented) {
			n++
		}
		switch {
		case n == 0:
			n = 1
		case indented:
			m.literal(lines[:n])
		default:
			m.line(".Pp")
			m.text(strings.Join(lines[:n], " "))
		}
		lines = lines[n:]
	}
}

// sentence returns a phrase of the help as a sentence.
func sentence(s string) string {
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
