// Pictures draws the pictures of the documentation from the tables of the code: the
// turn, the states of a connection and those of an answer.
//
//	go run ./docs/pictures
//
// writes them to docs/pictures, from the root of the repository. A test finds a
// picture that is not what the tables say.
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/inspect"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) > 1 {
		log.Fatal("usage: pictures, in the root of the repository")
	}
	all, err := pictures(".")
	if err != nil {
		log.Fatal("pictures: ", err)
	}
	for name, text := range all {
		if err := os.WriteFile(filepath.Join("docs", "pictures", name), []byte(text), 0o644); err != nil {
			log.Fatal("pictures: ", err)
		}
	}
}

// pictures returns all pictures by their file names. Root is the repository's.
func pictures(root string) (map[string]string, error) {
	answers, err := answerStates(filepath.Join(root, "docs", "architecture.md"))
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"turn.svg":       turn(inspect.Phases[:]),
		"connection.svg": graph("The states of a connection", connectionStates()),
		"answer.svg":     graph("The states of an answer", answers),
	}, nil
}

// A state is one of a picture, with the numbers of those that may follow it.
type state struct {
	name string
	next []int
}

// connectionStates are those of eventloop.Follows.
func connectionStates() []state {
	list := make([]state, eventloop.States)
	for s := range eventloop.States {
		list[s].name = s.String()
		for _, next := range eventloop.Follows[s] {
			list[s].next = append(list[s].next, int(next))
		}
	}
	return list
}

// answerStates are those of the table in a page, which a test of package http holds equal
// to the code's own.
func answerStates(file string) ([]state, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	_, table, ok := strings.Cut(string(text), "\n| state | means | may be followed by |\n|---|---|---|\n")
	if !ok {
		return nil, fmt.Errorf("%s has no table of the states of an answer", file)
	}
	table, _, _ = strings.Cut(table, "\n\n")
	var list []state
	number := make(map[string]int)
	var follow []string
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 {
			return nil, fmt.Errorf("%s: %q is no row of the states of an answer", file, line)
		}
		name := strings.TrimSpace(cells[1])
		number[name] = len(list)
		list, follow = append(list, state{name: name}), append(follow, strings.TrimSpace(cells[3]))
	}
	for i, names := range follow {
		if names == "" {
			continue
		}
		for _, name := range strings.Split(names, ", ") {
			next, ok := number[name]
			if !ok {
				return nil, fmt.Errorf("%s: %s is followed by %q, which is no state", file, list[i].name, name)
			}
			list[i].next = append(list[i].next, next)
		}
	}
	return list, nil
}
