package static

import (
	"fmt"
	"strings"

	"github.com/bobbin-http/bobbin/http"
)

// Files may be mounted below a prefix. Paths keep it everywhere but where they become
// names in the folder, so that redirects, links and rules are right.

// checkPrefix returns the prefix as it begins paths: "", or "/assets" without a slash at
// its end.
func checkPrefix(prefix string) (string, error) {
	if strings.Trim(prefix, "/") == "" {
		return "", nil
	}
	want := "/" + strings.Trim(prefix, "/")
	clean, err := http.CleanPath(nil, http.EscapePath(nil, want))
	if err != nil || string(clean) != want {
		return "", fmt.Errorf("static: the prefix %q is no clean path, such as /assets", prefix)
	}
	return want, nil
}

// pathOf returns the path of a name in the folder.
func (o *Options) pathOf(name string) string { return o.Prefix + "/" + name }

// below returns the rest of a path behind the prefix, which begins with a slash, or "/"
// for the prefix itself.
func (o *Options) below(path string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(path, o.Prefix)
	switch {
	case !ok:
		return "", false
	case rest == "":
		return "/", true
	}
	return rest, rest[0] == '/'
}
