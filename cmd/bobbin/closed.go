package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/middleware"
)

// A site that is closed: to clients at some addresses (--allow, --deny), or to all while it is
// worked on (--maintenance). Challenges of an ACME server, redirects to HTTPS, health checks
// and what begins with /-/ are answered in any case.

// closedOptions are the flags about it.
type closedOptions struct {
	allow       []string
	deny        []string
	maintenance string // "" for off, inWords, or a file
}

// inWords is the value of --maintenance without a file.
const inWords = "on"

func (o *closedOptions) define(f *pflag.FlagSet) {
	f.StringSliceVar(&o.allow, "allow", nil, "serve only clients at these `addresses`, such as 10.0.0.0/8; others get 403")
	f.StringSliceVar(&o.deny, "deny", nil, "refuse clients at these `addresses` with 403, also if --allow has them")
	f.StringVar(&o.maintenance, "maintenance", "", "answer everything with 503, as a site that is worked on, and with the page in this `file` if there is one")
	f.Lookup("maintenance").NoOptDefVal = inWords
	addExample(f, "allow", "bobbin --public --allow 10.0.0.0/8 ./public", "serve one network only")
	takesFile(f, "maintenance")
	inGroup(f, groupAnswers, "allow", "deny", "maintenance")
}

// page returns the file of --maintenance, or "".
func (o *closedOptions) page() string {
	if o.maintenance == inWords {
		return ""
	}
	return o.maintenance
}

// open reads the addresses and the page, and returns the middleware of the site.
func (o *closedOptions) open() (http.Middleware, error) {
	list := []http.Middleware{}
	if len(o.allow)+len(o.deny) > 0 {
		allow, err := prefixes("allow", o.allow)
		if err != nil {
			return nil, err
		}
		deny, err := prefixes("deny", o.deny)
		if err != nil {
			return nil, err
		}
		list = append(list, middleware.Access{Allow: allow, Deny: deny}.Wrap)
	}
	if o.maintenance != "" {
		closed, err := maintained(o.maintenance)
		if err != nil {
			return nil, fmt.Errorf("--maintenance: %w", err)
		}
		list = append(list, func(http.Handler) http.Handler { return closed })
	}
	return http.Chain(list...), nil
}

// prefixes parses the addresses of a flag.
func prefixes(flag string, list []string) ([]netip.Prefix, error) {
	if len(list) == 0 {
		return nil, nil
	}
	p, err := middleware.ParsePrefixes(strings.Join(list, ","))
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", flag, err)
	}
	return p, nil
}

// mostPage is the largest page of --maintenance. It stays in memory.
const mostPage = 1 << 20

// comeBack is how many seconds a client of a site that is worked on should wait.
const comeBack = "120"

// maintained returns the handler of a site that is worked on.
func maintained(file string) (http.Handler, error) {
	text := http.StatusServiceUnavailable.Because("this site is being worked on, and will be back")
	if file == inWords {
		return func(w *http.Response, _ *http.Request) error {
			w.Add("Retry-After", comeBack)
			return text
		}, nil
	}
	page, err := readPage(file)
	if err != nil {
		return nil, err
	}
	return func(w *http.Response, _ *http.Request) error {
		w.Add("Retry-After", comeBack).Add("Cache-Control", "no-store").Add("Content-Type", "text/html; charset=utf-8")
		w.SetStatus(http.StatusServiceUnavailable)
		return w.WriteNoCopy(page)
	}, nil
}

// readPage reads a page that fits into memory.
func readPage(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a FIFO has no writer to wait for
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, fmt.Errorf("%s is not a file: name a page of HTML", name))
	}
	page, err := io.ReadAll(io.LimitReader(f, mostPage+1))
	switch {
	case err != nil:
		return nil, err
	case len(page) > mostPage:
		return nil, fmt.Errorf("%s has more than %d bytes: name a smaller page", name, mostPage)
	case len(page) == 0:
		return nil, fmt.Errorf("%s is empty", name)
	}
	return page, nil
}
