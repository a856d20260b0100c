package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/pflag"
)

func TestEveryFlagHasAGroup(t *testing.T) {
	var o options
	o.define()
	o.flags.VisitAll(func(flag *pflag.Flag) {
		if n := len(flag.Annotations[groupKey]); n != 1 {
			t.Errorf("--%s is in %d groups of help: add its name to one call of inGroup, beside its definition; flagtable.go has the groups", flag.Name, n)
		}
	})
	for _, name := range groups {
		if len(flagsWith(o.flags, groupKey, name)) == 0 {
			t.Errorf("the group %q has no flag", name)
		}
	}
}

func TestEveryCommandHasASummary(t *testing.T) {
	for _, name := range commandNames() {
		if commandSummaries[name] == "" {
			t.Errorf("bobbin %s has no line in commandSummaries, in commandtable.go", name)
		}
	}
	for name := range commandSummaries {
		if commands[name] == nil {
			t.Errorf("commandSummaries has a line about %q, which is no command", name)
		}
	}
}

func TestHelpAllHasEveryFlag(t *testing.T) {
	code, out, complaint := try([]string{"--help-all"}, "", nil)
	if code != exitOK || complaint != "" {
		t.Fatalf("%d, %q", code, complaint)
	}
	var o options
	o.define()
	o.flags.VisitAll(func(flag *pflag.Flag) {
		name := "--" + flag.Name
		if !strings.Contains(out, name+" ") && !strings.Contains(out, name+"\n") && !strings.Contains(out, name+"[") {
			t.Errorf("%s is not in\n%s", name, out)
		}
	})
	for _, name := range groups {
		if !strings.Contains(out, "\n"+name+":\n") {
			t.Errorf("there is no heading %q", name)
		}
	}
}

func TestTheShortHelpFitsTwoScreens(t *testing.T) {
	_, out, _ := try([]string{"--help"}, "", nil)
	if n := strings.Count(out, "\n"); n > 72 {
		t.Errorf("it has %d lines:\n%s", n, out)
	}
	var o options
	o.define()
	if n := len(flagsWith(o.flags, commonKey, "true")); n < 10 || n > 18 {
		t.Errorf("it has %d flags; a newcomer needs about a dozen", n)
	}
	for _, want := range []string{"--port", "--public", "--config", "--help-all", "bobbin ./public"} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is not in\n%s", want, out)
		}
	}
}

func TestHelpFits80Columns(t *testing.T) {
	all := [][]string{{"--help"}, {"--help-all"}}
	for _, name := range commandNames() {
		all = append(all, []string{"help", name})
	}
	for _, args := range all {
		_, out, _ := try(args, "", nil)
		for line := range strings.Lines(out) {
			line = strings.TrimSuffix(line, "\n")
			if n := utf8.RuneCountInString(line); n > helpWidth || strings.TrimRight(line, " ") != line {
				t.Errorf("%s: a line of %d columns: %q", args, n, line)
			}
		}
	}
}

// TestTheExamplesAreValid has "config test" check each example, where its files are.
func TestTheExamplesAreValid(t *testing.T) {
	t.Chdir(folder(t, map[string][]byte{"page.html": nil, "public/index.html": nil, "dist/index.html": nil, "private/a": nil, "bobbin.toml": []byte("path = \"public\"\n"), "users.txt": []byte("ali:$2a$10$abcdefghijklmnopqrstuuP5c1P5c1P5c1P5c1P5c1P5c1P5c1P5c\n")}))
	var o options
	o.define()
	seen := 0
	o.flags.VisitAll(func(flag *pflag.Flag) {
		for _, e := range examplesOf(flag) {
			seen++
			words := shellWords(e.commandLine)
			if words[0] != "bobbin" || !strings.Contains(e.commandLine, flag.Name) && !strings.Contains(e.commandLine, " -"+flag.Shorthand+" ") {
				t.Errorf("the example of --%s is %s", flag.Name, e.commandLine)
			}
			if code, _, complaint := try(append([]string{"config", "test"}, words[1:]...), "", nil); code != exitOK {
				t.Errorf("%s: %d, %s", e.commandLine, code, complaint)
			}
		}
	})
	if seen < 8 {
		t.Errorf("only %d examples were found", seen)
	}
}

// shellWords splits a command line as a shell does, single quotes included.
func shellWords(line string) (words []string) {
	for i, part := range strings.Split(line, "'") {
		switch {
		case i%2 == 1:
			words[len(words)-1] += part
		default:
			words = append(words, strings.Fields(part)...)
			if strings.HasSuffix(part, " ") {
				words = append(words, "")
			}
		}
	}
	return words
}

// TestClosedValuesAreThoseThatAreTaken tries each value of a closed set, and one more.
func TestClosedValuesAreThoseThatAreTaken(t *testing.T) {
	dir := t.TempDir()
	with := map[string][]string{"tls auto": {"--domain", "example.com", "--acme-folder", filepath.Join(dir, "acme")}}
	var o options
	o.define()
	sets := 0
	o.flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Annotations[valuesKey] == nil {
			return
		}
		sets++
		for _, value := range flag.Annotations[valuesKey] {
			args := append([]string{"config", "test", "--" + flag.Name, value, dir}, with[flag.Name+" "+value]...)
			if code, _, complaint := try(args, "", nil); code != exitOK {
				t.Errorf("%s: %d, %s", args, code, complaint)
			}
		}
		if code, _, complaint := try([]string{"config", "test", "--" + flag.Name, "other", dir}, "", nil); code != exitUsage || !strings.Contains(complaint, flag.Name) {
			t.Errorf("--%s other: %d, %q", flag.Name, code, complaint)
		}
	})
	if sets < 4 {
		t.Errorf("only %d closed sets of values were found", sets)
	}
	if _, err := os.Stat(filepath.Join(dir, "acme")); err == nil {
		t.Log("config test makes the folder of --acme-folder")
	}
}

func TestTheShapeOfACommandIsThatOfItsHelp(t *testing.T) {
	config := shapeOf("config")
	if strings.Join(config.words, " ") != "print test" || config.path != anyFile || !config.program || len(config.flags) != 0 {
		t.Errorf("config: %+v", config)
	}
	trace := shapeOf("trace")
	if len(trace.flags) != 3 || trace.flags[0] != (commandFlag{"s", "seconds", "N", "how long to record, from 1 to 60; 0 is what the loops have recorded already; 5"}) || trace.flags[2].path() != anyFile || trace.path != "" || trace.words != nil {
		t.Errorf("trace: %+v", trace)
	}
	if cert := shapeOf("cert"); len(cert.flags) != 1 || cert.flags[0].path() != onlyFolder || cert.path != "" {
		t.Errorf("cert: %+v", cert)
	}
	tour := strings.Join(shapeOf("tour").words, " ")
	if !strings.Contains(tour, "blocking") || !strings.Contains(tour, "diff") || strings.Contains(tour, "STEP") {
		t.Errorf("tour: %s", tour)
	}
	if p := shapeOf("precompress"); p.path != onlyFolder {
		t.Errorf("precompress: %+v", p)
	}
}
