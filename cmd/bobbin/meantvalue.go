package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/bobbin-http/bobbin/http/middleware"
)

// A word behind a flag is its value only after "=" if the flag may stand alone: --spa, --cors
// and those that are true or false. Otherwise it is PATH, and where it cannot have been
// meant as that, it is refused: --public false would open the site to the network.

// checkMeant refuses words that were meant as the value of the flag before them.
func checkMeant(args []string, f *pflag.FlagSet) error {
	for i, arg := range args[:max(len(args)-1, 0)] {
		if arg == "--" {
			break
		}
		next, flag := args[i+1], typed(arg, f)
		if flag == nil || flag.NoOptDefVal == "" || !slices.Contains(f.Args(), next) || !isMeant(flag, next, f.NArg() > 1) {
			continue
		}
		if next == "" || flag.Value.Type() != "bool" && isBool(next) {
			return fmt.Errorf("%s %q: write --%s alone, or leave it out", arg, next, flag.Name)
		}
		return fmt.Errorf("%s %s: the value follows a =: write --%s=%s; or ./%[2]s for a folder or file of this name", arg, next, flag.Name, asValue(flag, next))
	}
	return checkLog(args, f)
}

// asValue returns a word as its flag takes it.
func asValue(flag *pflag.Flag, word string) string {
	if flag.Value.Type() != "bool" {
		return word
	}
	return strconv.FormatBool(slices.Contains([]string{"true", "yes", "on", "1"}, strings.ToLower(word)))
}

// typed returns the flag of an argument that is one without a value, or nil.
func typed(arg string, f *pflag.FlagSet) *pflag.Flag {
	if name, ok := strings.CutPrefix(arg, "--"); ok {
		return f.Lookup(name)
	}
	if len(arg) == 2 && arg[0] == '-' {
		return f.ShorthandLookup(arg[1:])
	}
	return nil
}

// checkLog refuses a word that was meant as the file of --log.
func checkLog(args []string, f *pflag.FlagSet) error {
	log := f.Lookup("log")
	if !log.Changed || f.NArg() == 0 || strings.Contains(log.Value.String(), "=") {
		return nil
	}
	name, format := f.Arg(0), log.Value.String()
	if _, err := os.Stat(name); err != nil && format == logAuto && before(args, name) == "--log" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz") == "" {
		_, err := middleware.ParseLogFormat(name)
		return fmt.Errorf("--log: %w; or ./%s for a folder of that name", err, name)
	}
	if f.NArg() > 1 && before(args, name) == "--log="+format || strings.HasSuffix(name, ".log") {
		if format == logAuto {
			return fmt.Errorf("--log %s: the file follows a format and a =: write --log combined=%[1]s", name)
		}
		return fmt.Errorf("--log %s %s: the file follows a =: write --log %[1]s=%s", format, name)
	}
	return nil
}

// before returns the argument before another.
func before(args []string, arg string) string {
	if i := slices.Index(args, arg); i > 0 {
		return args[i-1]
	}
	return ""
}

// isMeant reports whether a word is a value of a flag and no PATH. Another is PATH if there
// are several words.
func isMeant(flag *pflag.Flag, word string, several bool) bool {
	info, err := os.Stat(word)
	switch {
	case word == "", err != nil && isBool(word):
		return true
	case flag.Value.Type() == "bool":
		return false
	case flag.Name == "proxy-protocol" && err != nil && strings.Contains(word, ":"): // an address
		return true
	case flag.Name == "archive" && err != nil && (word == "both" || slices.Contains(archiveFormats, strings.Split(word, ",")[0])):
		return true
	case flag.Name == "spa" && err == nil && info.Mode().IsRegular():
		return true
	}
	return several || strings.Contains(word, "://") || word == "*"
}

// isBool reports whether a word says yes or no.
func isBool(word string) bool {
	return slices.Contains([]string{"true", "false", "yes", "no", "on", "off", "1", "0"}, strings.ToLower(word))
}

// checkPage refuses a yes or a no in place of the page of --spa, as in BOBBIN_SPA=true.
func (s *siteOptions) checkPage() error {
	if isBool(s.fallback) {
		return fmt.Errorf("--spa takes the name of a page: write index.html in place of %q, or leave it out", s.fallback)
	}
	return nil
}

// checkIndex refuses several names in one.
func (s *siteOptions) checkIndex() error {
	for _, name := range s.index {
		if words := strings.Fields(name); len(words) > 1 && strings.Contains(words[0], ".") {
			return fmt.Errorf("--index: %q is one name with a blank in it: write %s for several", name, strings.Join(words, ","))
		}
	}
	return nil
}

// checkAuth refuses a password for the default site, which asks for none, and a name for
// passwords that are not asked for.
func (o *options) checkAuth() error {
	if o.site.auth != "" && o.isDefault() {
		return errors.New("--auth needs a folder or a file: name PATH, because the default site asks for no password")
	}
	if o.site.auth == "" && o.site.realm != o.flags.Lookup("realm").DefValue {
		return errors.New("--realm needs --auth: add it, or remove --realm")
	}
	return nil
}
