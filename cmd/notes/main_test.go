package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http/httptest"
)

const isJSON = "Content-Type: application/json"

// begin runs the API over a database in a folder of the test.
func begin(t *testing.T, client func(c *httptest.Client)) {
	db, err := openStore(filepath.Join(t.TempDir(), "notes.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	httptest.Run(t, httptest.Config{Handler: site(db).Serve, ErrorHandler: asJSON}, client)
}

// logIn signs a user up and in, and returns the field that says so.
func logIn(t *testing.T, c *httptest.Client, name string) string {
	body := fmt.Sprintf(`{"name":%q,"password":"long enough"}`, name)
	if a := c.Do("POST", "/users", body, isJSON); a.Status != 201 {
		t.Fatalf("%v", a)
	}
	a := c.Do("POST", "/login", body, isJSON)
	var said struct{ Token string }
	if err := json.Unmarshal([]byte(a.Body), &said); err != nil || a.Status != 200 || said.Token == "" {
		t.Fatalf("%v, %v", a, err)
	}
	return "Authorization: Bearer " + said.Token
}

func TestNotesBelongToTheirUser(t *testing.T) {
	begin(t, func(c *httptest.Client) {
		ada, ben := logIn(t, c, "ada"), logIn(t, c, "ben")
		for _, row := range []struct {
			name         string
			method, path string
			body         string
			fields       []string
			status       int
			want         string
		}{
			{"a name is taken once", "POST", "/users", `{"name":"ada","password":"another one"}`, []string{isJSON}, 409, `{"error":"the name is taken","status":409}`},
			{"a wrong password logs no user in", "POST", "/login", `{"name":"ada","password":"another one"}`, []string{isJSON}, 403, `{"error":"the name or the password is wrong","status":403}`},
			{"nor does a name that was never taken", "POST", "/login", `{"name":"eve","password":"another one"}`, []string{isJSON}, 403, `{"error":"the name or the password is wrong","status":403}`},
			{"a short password is refused", "POST", "/users", `{"name":"eve","password":"x"}`, []string{isJSON}, 422, `"status":422`},
			{"notes are for users", "GET", "/notes", "", nil, 401, `{"error":"log in first","status":401}`},
			{"with the token that they were given", "GET", "/notes", "", []string{"Authorization: Bearer x"}, 401, `"status":401`},
			{"at first there is none", "GET", "/notes", "", []string{ada}, 200, "[]"},
			{"a note is added", "POST", "/notes", `{"text":"buy thread"}`, []string{ada, isJSON}, 201, `{"id":1,"text":"buy thread"}`},
			{"and found", "GET", "/notes/1", "", []string{ada}, 200, `{"id":1,"text":"buy thread"}`},
			{"in the list, too", "GET", "/notes", "", []string{ada}, 200, `[{"id":1,"text":"buy thread"}]`},
			{"another user does not see it", "GET", "/notes/1", "", []string{ben}, 404, `{"error":"not found","status":404}`},
			{"nor in a list", "GET", "/notes", "", []string{ben}, 200, "[]"},
			{"nor removes it", "DELETE", "/notes/1", "", []string{ben}, 404, `"status":404`},
			{"its owner does", "DELETE", "/notes/1", "", []string{ada}, 204, ""},
			{"once", "DELETE", "/notes/1", "", []string{ada}, 404, `"status":404`},
			{"a note without text is none", "POST", "/notes", `{"text":""}`, []string{ada, isJSON}, 422, `"status":422`},
			{"a misspelt field is an error", "POST", "/notes", `{"txet":"buy thread"}`, []string{ada, isJSON}, 400, `txet`},
			{"so is a second value", "POST", "/notes", `{"text":"a"} {"text":"b"}`, []string{ada, isJSON}, 400, `"status":400`},
			{"a body that is no JSON", "POST", "/notes", `text=a`, []string{ada, isJSON}, 400, `"status":400`},
			{"a body without the type of JSON", "POST", "/notes", `{"text":"a"}`, []string{ada}, 415, `"status":415`},
			{"a number is one", "GET", "/notes/one", "", []string{ada}, 404, `"status":404`},
			{"answers for unknown paths are JSON, too", "GET", "/", "", nil, 404, `{"error":"not found","status":404}`},
			{"and wrong methods", "PUT", "/notes", "", []string{ada}, 405, `"status":405`},
		} {
			a := c.Do(row.method, row.path, row.body, row.fields...)
			if a.Status != row.status || !strings.Contains(a.Body, row.want) {
				t.Errorf("%s: %v", row.name, a)
			}
		}
	})
}

func TestAListHasPages(t *testing.T) {
	begin(t, func(c *httptest.Client) {
		ada := logIn(t, c, "ada")
		for i := range pageMax + 1 {
			if a := c.Do("POST", "/notes", fmt.Sprintf(`{"text":"note %d"}`, i), ada, isJSON); a.Status != 201 {
				t.Fatalf("%v", a)
			}
		}
		a := c.Get("/notes", ada)
		if link := a.Header("Link"); link != `</notes?after=100>; rel="next"` {
			t.Errorf("the first page has the link %q", link)
		}
		if a := c.Get("/notes?after=100", ada); a.Body != `[{"id":101,"text":"note 100"}]`+"\n" && a.Body != `[{"id":101,"text":"note 100"}]` || a.Header("Link") != "" {
			t.Errorf("the second page is %v", a)
		}
		if a := c.Get("/notes?after=x", ada); a.Status != 400 {
			t.Errorf("%v", a)
		}
	})
}

func TestSessionsEnd(t *testing.T) {
	begin(t, func(c *httptest.Client) {
		ada := logIn(t, c, "ada")
		c.Sleep(sessionTime - time.Hour)
		if a := c.Get("/notes", ada); a.Status != 200 {
			t.Errorf("%v", a)
		}
		c.Sleep(2 * time.Hour)
		if a := c.Get("/notes", ada); a.Status != 401 {
			t.Errorf("%v", a)
		}
	})
}

func TestSessionsAreBounded(t *testing.T) {
	s := sessions{users: make(map[string]session)}
	now := time.Unix(0, 0)
	for i := range sessionsMax + 10 {
		s.remember(fmt.Sprint(i), session{User{ID: int64(i)}, now.Add(sessionTime)}, now)
	}
	if len(s.users) != sessionsMax || s.users[fmt.Sprint(sessionsMax+9)].user.ID != sessionsMax+9 {
		t.Errorf("there are %d sessions", len(s.users))
	}
	s.remember("later", session{User{}, now.Add(3 * sessionTime)}, now.Add(2*sessionTime))
	if len(s.users) != 1 {
		t.Errorf("%d of the sessions that have ended are kept", len(s.users)-1)
	}
}
