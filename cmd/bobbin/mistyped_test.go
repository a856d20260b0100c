package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestAMistypedWordIsSuggestedOnlyIfItIsNear(t *testing.T) {
	var o options
	o.define()
	for word, want := range map[string]string{
		"prot": "port", "poort": "port", "relod": "reload", "cleanurls": "clean-urls", "PORT": "port", "verb": "verbose", "redir": "redirect",
		"header-s": "header", "limitrate": "limit-rate", "tls-crt": "tls-cert", "lsten": "listen", "loop": "loops", "netlfy": "netlify",
		"watch": "", "dir": "", "gzip": "", "browse": "", "ssl": "", "x": "", "xyzzy": "", "root": "", "bind": "", "no-cache": "",
	} {
		if got := nearest(word, flagNames(o.flags)); got != want {
			t.Errorf("for --%s it suggests %q, want %q", word, got, want)
		}
	}
	for _, row := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"port", "port", 0}, {"prot", "port", 1}, {"cat", "cut", 1}, {"abcd", "badc", 2}, {"kitten", "sitting", 3}, {"abcdef", "bacdfe", 2}} {
		if got := edits(row.a, row.b); got != row.want {
			t.Errorf("%s to %s: %d edits", row.a, row.b, got)
		}
	}
}

// TestEveryMistakeIsASentenceThatSaysWhatToDo is beside TestWhoMistypesIsTold, in
// program_test.go.
func TestEveryMistakeIsASentenceThatSaysWhatToDo(t *testing.T) {
	for _, row := range []struct{ name, args, says string }{
		{"a long flag with one dash", "-port 80", "write --port"},
		{"another one", "-version", "write --version"},
		{"another one with a value", "-listen=:80", "write --listen"},
		{"a long flag with one dash that a letter takes as its value", "-port=80", "write --port"},
		{"a letter among others", "-vz", "unknown flag -z; see bobbin --help"},
		{"a flag without its value", "--port", "--port needs a value: port to listen on"},
		{"a letter without its value", "-p", "--port needs a value: port to listen on"},
		{"a flag in place of a value", "--listen --public", "--listen needs a value before --public"},
		{"a flag in place of a value in a list", "-H --cors=* .", "--header needs a value before --cors"},
		{"a number with a fraction", "--loops 2.5", `--loops: "2.5" is not a whole number`},
		{"a number of twenty digits", "--port 99999999999999999999", "is too large"},
		{"neither true nor false", "--public=maybe", `--public: "maybe" is neither true nor false`},
		{"three dashes", "---port", `"---port" is not a flag; see bobbin --help`},
		{"a limit without a name", "--limit=", "has no value: write --limit NAME=VALUE"},
		{"a port in place of the operator's address", "--admin 9090", `--admin: "9090" is only a port: write :9090, or localhost:9090 for this machine only`},
		{"a name without a port, of which the site's own is no use", "--admin localhost", `--admin: "localhost" has no port: write localhost:9090`},
		{"a path of health checks where --xray is", "--xray --health /-/xray", "--health /-/xray: --xray has this path: choose another, such as /healthz"},
		{"another one", "--xray --health /-/metrics", "--health /-/metrics: --xray has this path"},
		{"a URL in its place", "--admin http://localhost:9090/", "--admin: \"http://localhost:9090/\" is a URL: write localhost:9090"},
		{"the site's address in its place", "--admin localhost:8080", "--admin localhost:8080: the site itself has this address, localhost:8080 by --port: choose another with --admin"},
		{"the site's address by another name", "-l :8080 --admin 127.0.0.1:8080", "the site itself has this address, :8080 by --listen"},
		{"the site's socket in its place", "-l unix:/a --admin unix:/a?mode=0600", "the site itself has this address"},
		{"the address of the redirect in its place", "--tls self --redirect-http :80 --admin :80", "this address, :80 by --redirect-http"},
		{"a path of health checks without its slash", "--health healthz", "--health healthz: a path begins with a slash: write /healthz"},
		{"the first page as one", "--health /", "choose a path such as /healthz"},
		{"a URL as one", "--health http://a/healthz", "write the path only"},
		{"a pattern as one", "--health /health*", "write one path as it is requested"},
		{"a port in place of an address", "-l 8080", "write :8080"},
		{"a URL in place of an address", "-l http://localhost:80", "write localhost:80"},
		{"a folder in place of a configuration", "config test -c .", "--config: . is a folder"},
		{"a log without its file", "--log json=", `"json=" names no file: write json=FILE`},
		{"a file with a slash behind it", "start.go/", "a part of this path is a file"},
		{"a command behind a flag", "-v config test", "config comes first: write bobbin config"},
		{"a command of one word behind a flag", "-v version", "write bobbin version"},
		{"a command that is mistyped", "hsah ali", "did you mean the command hash?"},
		{"a command of one word that is mistyped", "versoin", "did you mean version?"},
		{"a flag behind two dashes", "-- . -v", "flags go before --"},
		{"help for no command", "help cret", "did you mean cert?"},
		{"help for two", "help cert hash", "the commands are cert, completion, config, explain, hash, help, man, precompress, serve, top, tour, trace, version"},
		{"a version of something", "version 2", "usage: bobbin version"},
		{"a flag of a command", "cert --fodler x", "unknown flag --fodler; did you mean --folder?"},
		{"a flag of another command", "cert --port 80", "see bobbin cert --help"},
		{"an action of config that is mistyped", "config prnit", "did you mean print?"},
	} {
		t.Run(row.name, func(t *testing.T) {
			code, out, complaint := try(strings.Fields(row.args), "", nil)
			if code != exitUsage || !strings.Contains(complaint, row.says) || out != "" || strings.Count(complaint, "\n") != 1 {
				t.Errorf("%d, %q, %q, want %q", code, out, complaint, row.says)
			}
		})
	}
	if code, out, complaint := try([]string{""}, "", nil); code != exitUsage || !strings.Contains(complaint, "PATH is empty") || out != "" {
		t.Errorf("an empty PATH: %d, %q", code, complaint)
	}
}

func TestEachCommandHasItsHelp(t *testing.T) {
	names := commandNames()
	if !slices.Equal(names, []string{"cert", "completion", "config", "explain", "hash", "help", "man", "precompress", "serve", "top", "tour", "trace", "version"}) {
		t.Errorf("the commands are %s", names)
	}
	for _, name := range names {
		want := "usage: bobbin " + name
		if name == "help" || name == "serve" {
			want = "Usage:" // of the program
		}
		for _, flag := range []string{"--help", "-h"} {
			if code, out, complaint := try([]string{name, flag}, "", nil); code != exitOK || !strings.Contains(out, want) || complaint != "" {
				t.Errorf("%s %s: %d, %q, %q", name, flag, code, out, complaint)
			}
		}
		if code, out, complaint := try([]string{"help", name}, "", nil); code != exitOK || !strings.HasPrefix(out, "usage: bobbin "+name) || complaint != "" {
			t.Errorf("help %s: %d, %q, %q", name, code, out, complaint)
		}
	}
	if code, out, _ := try([]string{"help"}, "", nil); code != exitOK || !strings.Contains(out, "Usage:") {
		t.Errorf("help: %d, %q", code, out)
	}
	_, want, _ := try([]string{"--version"}, "", nil)
	if code, out, _ := try([]string{"version"}, "", nil); code != exitOK || out != want {
		t.Errorf("version: %d, %q", code, out)
	}
}

// TestAFolderWithTheNameOfACommand has both: the command is run, and the folder can
// be served.
func TestAFolderWithTheNameOfACommand(t *testing.T) {
	t.Chdir(folder(t, map[string][]byte{"version/index.html": []byte("a"), "hash": []byte("a file")}))
	for _, name := range []string{"version", "hash"} {
		_, out, complaint := try([]string{name}, "ali\nopen sesame", nil)
		want := `bobbin: "` + name + `" is a command; to serve what has that name here, write bobbin ./` + name + "\n"
		if out == "" || complaint != want {
			t.Errorf("%q, %q", out, complaint)
		}
	}
	for _, args := range [][]string{{"config", "print", "./version"}, {"config", "print", "version"}} {
		if code, out, _ := try(args, "", nil); code != exitOK || !strings.Contains(out, "version' # command line") {
			t.Errorf("%s: %d, %q", args, code, out)
		}
	}
	os.Remove("hash")
	if _, _, complaint := try([]string{"hash"}, "ali\nopen sesame", nil); complaint != "" {
		t.Errorf("where there is no such file it says %q", complaint)
	}
}
