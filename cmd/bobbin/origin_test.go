package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestTheOriginWithPrecedenceDecidesTheAddress has --listen, --port and --public
// on the command line, in the environment and in a file.
func TestTheOriginWithPrecedenceDecidesTheAddress(t *testing.T) {
	for _, row := range []struct {
		name string
		args string
		env  string
		file string
		want string // the addresses, or a part of the error
		says string // a part of a warning
	}{
		{"a port that is typed replaces addresses of the file", "-p 3000", "", "listen = [':80']", "localhost:3000",
			"--listen from FILE:1:1 is not used, because --port from the command line has precedence"},
		{"and so does one of the environment", "", "BOBBIN_PORT=3000", "listen = [':80']", "localhost:3000", "--port from the environment variable BOBBIN_PORT has precedence"},
		{"and PORT", "", "PORT=3000", "listen = [':80']", "localhost:3000", "--port from the environment variable PORT has precedence"},
		{"public that is typed replaces them", "--public", "", "listen = ['127.0.0.1:80']\nloops = 2", ":8080", "--public from the command line"},
		{"no public that is typed, too", "--public=false", "", "listen = [':80']", "localhost:8080", "--public from the command line"},
		{"addresses that are typed replace port and public of the file", "-l :81", "", "port = 80\npublic = true", ":81", ""},
		{"and of the environment", "-l :81", "BOBBIN_PORT=80 BOBBIN_PUBLIC=true PORT=90", "", ":81", ""},
		{"addresses of the environment replace those of the file", "", "BOBBIN_LISTEN=:81", "listen = [':82']", ":81", ""},
		{"and its port", "", "BOBBIN_LISTEN=:81", "port = 82", ":81", ""},
		{"a port that is typed goes with public of the file", "-p 3000", "", "public = true", ":3000", ""},
		{"no public that is typed goes with a port of the environment", "--public=false", "BOBBIN_PORT=3000", "public = true", "localhost:3000", ""},
		{"BOBBIN_PORT goes before PORT", "", "BOBBIN_PORT=3000 PORT=9", "port = 1", "localhost:3000", ""},
		{"PORT goes before the file", "", "PORT=9", "port = 1", "localhost:9", ""},
		{"PORT is set for all programs, and contradicts no address", "", "PORT=9 BOBBIN_LISTEN=:81", "", ":81", ""},
		{"two that are typed contradict each other", "-l :80 -p 80", "", "", "remove --port, or --listen\n", ""},
		{"public and an address, too", "-l :80 --public", "", "", "remove --public, or --listen\n", ""},
		{"no public contradicts nothing", "-l :80 --public=false", "", "", ":80", ""},
		{"two of the environment", "", "BOBBIN_LISTEN=:80 BOBBIN_PORT=80", "",
			"(--listen comes from the environment variable BOBBIN_LISTEN, --port comes from the environment variable BOBBIN_PORT)", ""},
		{"two of the file", "", "", "port = 80\nlisten = [':80']", "(--listen comes from FILE:2:1, --port comes from FILE:1:1)", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "bobbin.toml")
			if err := os.WriteFile(file, []byte(row.file), 0o644); err != nil {
				t.Fatal(err)
			}
			env := make(map[string]string)
			for _, pair := range strings.Fields(row.env) {
				name, value, _ := strings.Cut(pair, "=")
				env[name] = value
			}
			args := append(strings.Fields(row.args), "-c", file)
			o, err := parse(args, func(name string) string { return env[name] })
			want, warning := strings.ReplaceAll(row.want, "FILE", file), strings.ReplaceAll(row.says, "FILE", file)
			if err != nil {
				if !strings.Contains(err.Error()+"\n", want) {
					t.Errorf("it says %v, want %q", err, want)
				}
				return
			}
			if got := strings.Join(o.at, " "); got != want {
				t.Errorf("it listens on %s, want %s", got, want)
			}
			if got := strings.Join(o.warnings, "\n"); !strings.Contains(got, warning) || (got == "") != (warning == "") {
				t.Errorf("it warns of %q, want %q", got, warning)
			}
			// What is printed says the same, and nothing contradicts.
			code, out, complaint := try(append([]string{"config", "print"}, args...), "", env)
			again := filepath.Join(t.TempDir(), "again.toml")
			if err := os.WriteFile(again, []byte(out), 0o644); err != nil {
				t.Fatal(err)
			}
			o, err = parse([]string{"-c", again}, func(string) string { return "" })
			if err != nil || code != exitOK || strings.Join(o.at, " ") != want {
				t.Errorf("%d, %q: printed and read again it listens on %s, %v", code, complaint, o.at, err)
			}
		})
	}
}

func TestAMistakeInTheEnvironmentIsNamedWithItsVariable(t *testing.T) {
	for variable, want := range map[string]string{
		"BOBBIN_PORT=http":             `--port: "http" is not a whole number (--port comes from the environment variable BOBBIN_PORT)`,
		"BOBBIN_PORT=tcp://10.0.0.1:8": "Kubernetes",
		"BOBBIN_PORT=99999":            "choose a port from 0 to 65535 (--port comes from the environment variable BOBBIN_PORT)",
		"PORT=99999":                   "(--port comes from the environment variable PORT)",
		"BOBBIN_PUBLIC=yes":            `--public: "yes" is neither true nor false (--public comes from the environment variable BOBBIN_PUBLIC)`,
		"BOBBIN_CACHE=imutable":        "did you mean immutable? (--cache comes from the environment variable BOBBIN_CACHE)",
		"BOBBIN_LISTEN=80":             `"80" is only a port: write :80, or localhost:80 for this machine only (--listen comes from the environment variable BOBBIN_LISTEN)`,
		"BOBBIN_TLS=yes":               "(--tls comes from the environment variable BOBBIN_TLS)",
		"BOBBIN_LIMIT=Conns=x":         "(--limit comes from the environment variable BOBBIN_LIMIT)",
		"BOBBIN_AUTH=/no/such/file":    "(--auth comes from the environment variable BOBBIN_AUTH)",
	} {
		name, value, _ := strings.Cut(variable, "=")
		code, out, complaint := try([]string{"config", "test", "."}, "", map[string]string{name: value})
		if code != exitUsage || !strings.Contains(complaint, want) || strings.Count(complaint, "\n") != 1 || out != "" {
			t.Errorf("%s: %d, %q, want %q", variable, code, complaint, want)
		}
	}
}

func TestVariablesThatSetNothingAreWarnedOf(t *testing.T) {
	var o options
	o.define()
	o.warnOfVariables([]string{"BOBBIN_PROT=80", "BOBBIN_ZZZZZZZZ=1", "BOBBIN_CLEANURLS=true", "HOME=/", "BOBBIN=1", "BOBBIN_TRACE=1", "BOBBIN_CLEAN_URLS=true",
		"BOBBIN_VERSION=0.1.0", "BOBBIN_PORT=tcp://10.0.0.1:80", "BOBBIN_SERVICE_HOST=10.0.0.1", "BOBBIN_PORT_80_TCP=tcp://10.0.0.1:80"})
	want := []string{
		"the environment variable BOBBIN_CLEANURLS is unknown, and sets nothing; did you mean BOBBIN_CLEAN_URLS?",
		"the environment variable BOBBIN_PROT is unknown, and sets nothing; did you mean BOBBIN_PORT?",
		"the environment variable BOBBIN_ZZZZZZZZ is unknown, and sets nothing; bobbin --help lists the flags",
	}
	if !slices.Equal(o.warnings, want) {
		t.Errorf("it warns of %q", o.warnings)
	}
	t.Setenv("BOBBIN_PROT", "80")
	code, out, complaint := try([]string{"config", "test"}, "", nil)
	if code != exitOK || out != "the configuration is valid\n" || !strings.Contains(complaint, "did you mean BOBBIN_PORT?\n") {
		t.Errorf("%d, %q, %q", code, out, complaint)
	}
}
