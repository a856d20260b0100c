package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// completions are lines that a person has typed when the shell is asked, and what it must
// and must not offer. All shells have them.
var completions = []struct {
	name, typed string
	offers      []string
	not         []string
}{
	{"commands, folders and files", "bobbin ", []string{"cert", "version", "a-folder/", "a-file"}, []string{"--port"}},
	{"flags", "bobbin --tls", []string{"--tls", "--tls-cert", "--tls-key"}, []string{"--port", "cert"}},
	{"a closed set of values", "bobbin --tls ", []string{"self", "auto"}, []string{"a-file", "cert"}},
	{"the same behind an equals sign", "bobbin --tls=", []string{"self", "auto"}, []string{"a-file"}},
	{"those that begin like that", "bobbin --symlinks in", []string{"inside"}, []string{"none"}},
	{"files for a flag", "bobbin --tls-cert ", []string{"a-file", "a-folder/"}, []string{"cert", "self"}},
	{"files for a letter", "bobbin -c a-f", []string{"a-file"}, nil},
	{"folders only", "bobbin --acme-folder a-f", []string{"a-folder/"}, []string{"a-file"}},
	{"a value that is behind an equals sign only", "bobbin --spa=a-f", []string{"a-file"}, nil},
	{"and else a path", "bobbin --spa a-f", []string{"a-folder/"}, nil},
	{"nothing for a number", "bobbin --port ", nil, []string{"a-file", "cert"}},
	{"a list goes on", "bobbin --compress zstd,g", []string{"gzip"}, []string{"a-file"}},
	{"the names of limits", "bobbin --limit HeadT", []string{"HeadTimeout="}, []string{"Body="}},
	{"a path behind flags", "bobbin --public a-f", []string{"a-file", "a-folder/"}, []string{"cert"}},
	{"actions of a command", "bobbin config ", []string{"test", "print"}, []string{"a-file"}},
	{"flags of the program behind it", "bobbin config test --tls-c", []string{"--tls-cert"}, nil},
	{"values of them", "bobbin config test --http2 ", []string{"on", "off"}, nil},
	{"flags of a command", "bobbin trace --se", []string{"--seconds"}, []string{"--security"}},
	{"its folders", "bobbin precompress a-f", []string{"a-folder/"}, []string{"a-file"}},
	{"steps of the tour", "bobbin tour block", []string{"blocking"}, nil},
	{"commands to explain", "bobbin help c", []string{"cert", "config", "completion"}, []string{"hash"}},
	{"shells", "bobbin completion ", []string{"bash", "zsh", "fish"}, nil},
}

// shellFolder has the script of a shell, and a file and a folder to be offered.
func shellFolder(t *testing.T, shell string) (dir, script string) {
	t.Helper()
	if _, err := exec.LookPath(shell); err != nil {
		t.Skipf("skipped: %s is not here", shell)
	}
	code, text, complaint := try([]string{"completion", shell}, "", nil)
	if code != exitOK || complaint != "" {
		t.Fatalf("%d, %q", code, complaint)
	}
	dir = folder(t, map[string][]byte{"a-file": nil, "a-folder/x": nil})
	script = filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir, script
}

// checkOffers compares what a shell offers. A folder's slash may be left out.
func checkOffers(t *testing.T, offered, offers, not []string) {
	t.Helper()
	has := func(word string) bool {
		return slices.Contains(offered, word) || slices.Contains(offered, strings.TrimSuffix(word, "/"))
	}
	for _, word := range offers {
		if !has(word) {
			t.Errorf("it does not offer %s, but %q", word, offered)
		}
	}
	for _, word := range not {
		if has(word) {
			t.Errorf("it offers %s: %q", word, offered)
		}
	}
	if offers == nil && len(offered) > 0 {
		t.Errorf("it offers %q, and has nothing to offer", offered)
	}
}

func TestBashCompletes(t *testing.T) {
	dir, script := shellFolder(t, "bash")
	for _, row := range completions {
		t.Run(row.name, func(t *testing.T) {
			// Bash has the words broken at "=" when it calls the function.
			words := strings.Split(strings.ReplaceAll(row.typed, "=", " = "), " ")
			if strings.HasSuffix(row.typed, "=") {
				words = words[:len(words)-1]
			}
			cmd := exec.Command("bash", append([]string{"--norc", "-uc", `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _bobbin; printf '%s\n' "${COMPREPLY[@]-}"`, script}, words...)...)
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			offered := strings.Fields(string(out))
			for i, word := range offered {
				offered[i] = word[strings.LastIndex(word, ",")+1:]
			}
			checkOffers(t, offered, row.offers, row.not)
		})
	}
}

func TestFishCompletes(t *testing.T) {
	dir, script := shellFolder(t, "fish")
	for _, row := range completions {
		t.Run(row.name, func(t *testing.T) {
			cmd := exec.Command("fish", "--no-config", "-c", `source $argv[1]; complete -C $argv[2]`, script, row.typed)
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "HOME="+t.TempDir())
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			var offered []string
			for line := range strings.Lines(string(out)) {
				word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
				offered = append(offered, word[strings.LastIndex(word, ",")+1:])
				if flag, value, ok := strings.Cut(word, "="); ok && strings.HasPrefix(flag, "--") {
					offered = append(offered, value)
				}
			}
			checkOffers(t, offered, row.offers, row.not)
		})
	}
}

// TestZshCompletes types into a zsh in a terminal, because its completion runs nowhere
// else. A key prints what is offered.
func TestZshCompletes(t *testing.T) {
	dir, script := shellFolder(t, "zsh")
	out := filepath.Join(t.TempDir(), "offered")
	rc := t.TempDir()
	err := os.WriteFile(filepath.Join(rc, ".zshrc"), fmt.Appendf(nil, `
PROMPT='ready> '
unsetopt beep
autoload -Uz compinit && compinit -u -D
source %s
# What functions of the completion add is written into a file.
compadd() {
	local -a shown
	builtin compadd -O shown "$@"
	print -rl -- $shown >>%[2]s
	builtin compadd "$@"
}
offered() { zle list-choices; print -r -- "over" >>%[2]s; zle kill-whole-line }
zle -N offered
bindkey '^T' offered
cd %[3]s
`, script, out, dir), 0o644)
	if err != nil {
		t.Fatal(err)
	}
	m := openTmux(t, 120, 40, "zsh -i", "ZDOTDIR="+rc)
	m.shows("ready>")
	for _, row := range completions {
		t.Run(row.name, func(t *testing.T) {
			if err := os.WriteFile(out, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			m.do("send-keys", "-l", row.typed)
			m.do("send-keys", "C-t")
			var text string
			m.until("zsh has said what it offers", func() bool {
				p, err := os.ReadFile(out)
				text = string(p)
				return err == nil && strings.HasSuffix(text, "over\n")
			})
			offered := strings.Split(strings.TrimSuffix(text, "over\n"), "\n")
			checkOffers(t, slices.DeleteFunc(offered, func(s string) bool { return s == "" }), row.offers, row.not)
		})
	}
}

// TestAPersonCompletesInBash presses the key in a terminal, with the words as bash
// breaks them.
func TestAPersonCompletesInBash(t *testing.T) {
	dir, script := shellFolder(t, "bash")
	m := openTmux(t, 100, 30, "bash --norc --noprofile -i")
	m.do("send-keys", "-l", fmt.Sprintf("PS1='ready> '; cd %s; source %s; clear\n", dir, script))
	m.shows("ready>")
	for _, row := range []struct{ name, typed, shows string }{
		{"a value", "bobbin --tls s\t", "bobbin --tls self"},
		{"a value behind an equals sign", "bobbin --tls=s\t", "bobbin --tls=self"},
		{"a second item of a list", "bobbin --compress=zstd,g\t", "bobbin --compress=zstd,gzip"},
		{"a limit, and its value is typed next to it", "bobbin --limit HeadT\t5s", "bobbin --limit HeadTimeout=5s"},
		{"a folder gets a slash", "bobbin --public a-fo\t", "bobbin --public a-folder/"},
		{"a command", "bobbin vers\t", "bobbin version"},
	} {
		t.Run(row.name, func(t *testing.T) {
			m.do("send-keys", "-l", row.typed)
			m.shows(row.shows)
			m.do("send-keys", "C-u")
		})
	}
}

func TestACompletionForNoShell(t *testing.T) {
	for args, says := range map[string]string{
		"completion":          "usage: bobbin completion bash|zsh|fish",
		"completion bsh":      `"bsh" has no completion; did you mean bash?; the shells are bash, zsh and fish`,
		"completion tcsh":     "the shells are bash, zsh and fish",
		"completion bash zsh": "usage: bobbin completion bash|zsh|fish",
		"man 1":               "usage: bobbin man",
	} {
		code, out, complaint := try(strings.Fields(args), "", nil)
		if code != exitUsage || out != "" || !strings.Contains(complaint, says) {
			t.Errorf("%s: %d, %q, %q", args, code, out, complaint)
		}
	}
}

// TestCompletionsAreWellFormed has each shell read its script without running it.
func TestCompletionsAreWellFormed(t *testing.T) {
	for shell := range completionShells {
		t.Run(shell, func(t *testing.T) {
			_, script := shellFolder(t, shell)
			if out, err := exec.Command(shell, "-n", script).CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%v, %s", err, out)
			}
			text, err := os.ReadFile(script)
			if err != nil {
				t.Fatal(err)
			}
			if long := regexp.MustCompile(`%!\w?\(|\x60`).Find(text); long != nil {
				t.Errorf("the script has %q in it", long)
			}
		})
	}
}
