package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A workflow is one of .github/workflows, as far as the tests ask.
type workflow struct {
	Permissions map[string]string
	Jobs        map[string]job
}

type job struct {
	Uses        string
	RunsOn      string `json:"runs-on"`
	Timeout     int    `json:"timeout-minutes"`
	Needs       any
	Permissions map[string]string
	Steps       []step
}

type step struct {
	Uses, Run string
	With      map[string]any
}

// text is all that a step uses or runs.
func (s *step) text() string {
	inside, _ := s.With["run"].(string)
	return s.Uses + s.Run + inside
}

// needs returns the names of the jobs that a job waits for.
func (j *job) needs() (list []string) {
	switch needs := j.Needs.(type) {
	case string:
		list = []string{needs}
	case []any:
		for _, name := range needs {
			list = append(list, name.(string))
		}
	}
	return list
}

// strictYAML prints a file as JSON, and refuses a key that is there twice.
const strictYAML = `
import json, sys, yaml
class Strict(yaml.SafeLoader):
    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = [key for key in keys if keys.count(key) > 1]
        if twice:
            raise yaml.constructor.ConstructorError(None, None, "twice: %s" % twice, node.start_mark)
        return super().construct_mapping(node, deep)
print(json.dumps(yaml.load(open(sys.argv[1]), Strict)))
`

// workflows reads all of them.
func workflows(t *testing.T) map[string]workflow {
	t.Helper()
	if err := exec.Command("python3", "-c", "import yaml").Run(); err != nil {
		t.Skip("skipped: python3 with yaml, which reads workflows, is not here")
	}
	files, err := filepath.Glob(filepath.Join(repository, ".github/workflows/*.yml"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%d workflows were found, %v", len(files), err)
	}
	list := make(map[string]workflow)
	for _, file := range files {
		cmd := exec.Command("python3", "-c", strictYAML, file)
		cmd.Stderr = os.Stderr
		text, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		var w workflow
		if err := json.Unmarshal(text, &w); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		list[filepath.Base(file)] = w
	}
	return list
}

func TestWorkflowsAreComplete(t *testing.T) {
	for file, w := range workflows(t) {
		if w.Permissions["contents"] != "read" || len(w.Permissions) != 1 {
			t.Errorf("%s: its permissions are %v, and should be to read", file, w.Permissions)
		}
		for name, j := range w.Jobs {
			for _, needed := range j.needs() {
				if _, ok := w.Jobs[needed]; !ok {
					t.Errorf("%s: %s needs %s, which is no job", file, name, needed)
				}
			}
			if strings.HasPrefix(j.Uses, "./") {
				if _, err := os.Stat(filepath.Join(repository, j.Uses)); err != nil {
					t.Errorf("%s: %s: %v", file, name, err)
				}
				continue
			}
			if j.RunsOn == "" || j.Timeout == 0 || len(j.Steps) == 0 {
				t.Errorf("%s: %s runs on %q for at most %d minutes, and has %d steps", file, name, j.RunsOn, j.Timeout, len(j.Steps))
			}
			for _, s := range j.Steps {
				if s.Uses != "" && !regexp.MustCompile(`^[\w-]+/[\w-]+@v\d+$`).MatchString(s.Uses) {
					t.Errorf("%s: %s uses %q, without a version", file, name, s.Uses)
				}
				inside, _ := s.With["run"].(string)
				for _, script := range []string{s.Run, inside} {
					checkScript(t, file+": "+name, script)
				}
			}
		}
	}
}

// checkScript has bash read a script, and looks for the programs of the repository in it.
func checkScript(t *testing.T, where, script string) {
	t.Helper()
	if script == "" {
		return
	}
	cmd := exec.Command("bash", "-n")
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s\n%s", where, err, out, script)
	}
	if strings.Count(script, "\n") > 1 && !strings.Contains(script, "set -e") && !strings.HasPrefix(script, "export ") {
		t.Errorf("%s: a script that goes on after an error:\n%s", where, script)
	}
	for _, program := range regexp.MustCompile(`(?m)(?:^|\s)(\.ci/\w+|\./cmd/\w+|deploy/[\w/]+)`).FindAllStringSubmatch(script, -1) {
		if _, err := os.Stat(filepath.Join(repository, program[1])); err != nil {
			t.Errorf("%s: %v", where, err)
		}
	}
}

// TestNothingIsPublishedUnseen follows what the job that publishes waits for.
func TestNothingIsPublishedUnseen(t *testing.T) {
	all := workflows(t)
	release := all["release.yml"]
	publish := release.Jobs["publish"]
	waited := map[string]bool{}
	var wait func(names []string)
	wait = func(names []string) {
		for _, name := range names {
			waited[name] = true
			j := release.Jobs[name]
			wait(j.needs())
		}
	}
	wait(publish.needs())
	for name := range release.Jobs {
		if name != "publish" && !waited[name] {
			t.Errorf("publish does not wait for %s", name)
		}
		if j := release.Jobs[name]; name != "publish" && len(j.Permissions) > 0 {
			t.Errorf("%s may do more than read: %v", name, j.Permissions)
		}
	}
	uses := func(w workflow, name, text string) bool {
		return slices.ContainsFunc(w.Jobs[name].Steps, func(s step) bool { return strings.Contains(s.text(), text) })
	}
	for _, row := range []struct{ file, job, text string }{
		{"release.yml", "build", "go run ./cmd/release"},
		{"release.yml", "compare", "diff -r"},
		{"release.yml", "unpack", ".ci/serves"},
		{"release.yml", "publish", "actions/attest-build-provenance@"},
		{"test.yml", "test", ".ci/serves go run ./cmd/bobbin"},
		{"test.yml", "test", ".ci/tested"},
		{"test.yml", "release", ".ci/serves ./unpacked/bobbin"},
		{"test.yml", "freebsd", ".ci/serves go run ./cmd/bobbin"},
		{"test.yml", "freebsd", "^tested: [1-9]"},
	} {
		if !uses(all[row.file], row.job, row.text) {
			t.Errorf("%s: %s does not have %q", row.file, row.job, row.text)
		}
	}
}

// TestTheScriptOfAWorkflowFailsWithoutAServer tries commands that serve nothing, or not
// what they are given, and the program.
func TestTheScriptOfAWorkflowFailsWithoutAServer(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("skipped: curl is not here")
	}
	script, err := filepath.Abs(filepath.Join(repository, ".ci/serves"))
	if err != nil {
		t.Fatal(err)
	}
	program := unpacked(t)
	for _, row := range []struct {
		name    string
		command []string
		says    string // when it fails
	}{
		{"a command that does nothing", []string{"true"}, "the server ended before it listened"},
		{"a command that says that it listens, and does not", []string{"sh", "-c", `echo "x listening http://127.0.0.1:1/ pid=$$" >&2; exec sleep 60`}, "has no page"},
		{"a server that serves something else", []string{"sh", "-c", `exec "$0" --port 0`, program}, "and not \"served by bobbin"},
		{"a server that does not end as asked", []string{"sh", "-c", `"$0" "$@"; exit 7`, program}, "the server ended with 7"},
		{"bobbin", []string{program}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			out, err := exec.Command(script, row.command...).CombinedOutput()
			if row.says == "" {
				if err != nil || !strings.HasPrefix(string(out), "served: ") {
					t.Errorf("%v, %s", err, out)
				}
				return
			}
			if err == nil || !strings.Contains(string(out), row.says) || strings.Contains(string(out), "served: ") {
				t.Errorf("it passes: %v, %s; want %q", err == nil, out, row.says)
			}
		})
	}
}

// TestTheScriptOfAWorkflowFailsWithoutTests gives it modules of a few files.
func TestTheScriptOfAWorkflowFailsWithoutTests(t *testing.T) {
	script, err := os.ReadFile(filepath.Join(repository, ".ci/tested"))
	if err != nil {
		t.Fatal(err)
	}
	const three = "package m\nimport \"testing\"\nfunc TestA(t *testing.T) {}\nfunc TestB(t *testing.T) {}\nfunc TestC(t *testing.T) {"
	for _, row := range []struct{ name, test, says string }{
		{"tests that pass", three + "}\n", "tested: 3 of 3 tests have passed"},
		{"one that fails", three + " t.Fail() }\n", "go test ended with 1"},
		{"tests that are skipped", strings.ReplaceAll(three+"}\n", "{}", "{ t.Skip() }"), "only 0 of 3 tests were run"},
		{"no test", "package m\n", "only 0 of 0 tests were run"},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{"go.mod": "module m\n\ngo 1.26\n", "m_test.go": row.test, ".ci/tested": string(script)} {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			out, err := exec.Command(filepath.Join(dir, ".ci/tested")).CombinedOutput()
			if (err == nil) != strings.HasPrefix(row.says, "tested: ") || !strings.Contains(string(out), row.says) {
				t.Errorf("%v, %s, want %q", err, out, row.says)
			}
		})
	}
}
