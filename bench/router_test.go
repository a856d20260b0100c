package main

import (
	nethttp "net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http"
)

// patterns are those of an interface of middling size, in the shape of GitHub's.
var patterns = strings.Fields(`
	/authorizations /authorizations/{id} /events /feeds /gists /gists/{id} /gists/{id}/star
	/issues /legacy/issues/search/{owner}/{repository}/{state}/{keyword} /legacy/repos/search/{keyword}
	/networks/{owner}/{repo}/events /notifications /notifications/threads/{id}
	/orgs/{org} /orgs/{org}/events /orgs/{org}/issues /orgs/{org}/members /orgs/{org}/members/{user}
	/orgs/{org}/public_members /orgs/{org}/repos /orgs/{org}/teams /rate_limit
	/repos/{owner}/{repo} /repos/{owner}/{repo}/assignees /repos/{owner}/{repo}/branches
	/repos/{owner}/{repo}/branches/{branch} /repos/{owner}/{repo}/comments /repos/{owner}/{repo}/comments/{id}
	/repos/{owner}/{repo}/commits /repos/{owner}/{repo}/commits/{sha} /repos/{owner}/{repo}/contributors
	/repos/{owner}/{repo}/events /repos/{owner}/{repo}/forks /repos/{owner}/{repo}/git/blobs/{sha}
	/repos/{owner}/{repo}/git/commits/{sha} /repos/{owner}/{repo}/git/refs /repos/{owner}/{repo}/git/tags/{sha}
	/repos/{owner}/{repo}/hooks /repos/{owner}/{repo}/issues /repos/{owner}/{repo}/issues/{number}
	/repos/{owner}/{repo}/issues/{number}/comments /repos/{owner}/{repo}/keys /repos/{owner}/{repo}/labels
	/repos/{owner}/{repo}/pulls /repos/{owner}/{repo}/pulls/{number} /repos/{owner}/{repo}/pulls/{number}/files
	/repos/{owner}/{repo}/releases /repos/{owner}/{repo}/releases/{id} /repos/{owner}/{repo}/stargazers
	/repos/{owner}/{repo}/tags /repositories /search/code /search/issues /search/repositories /search/users
	/teams/{id} /teams/{id}/members /teams/{id}/members/{user} /user /user/emails /user/followers /user/issues
	/user/keys /user/keys/{id} /user/orgs /user/repos /user/starred /users /users/{user} /users/{user}/events
	/users/{user}/followers /users/{user}/gists /users/{user}/keys /users/{user}/orgs /users/{user}/repos`)

// routes are the paths that are measured, with the wildcards that are read and
// the value of the last.
var routes = []struct {
	name, path string
	wildcards  []string
	want       string
}{
	{"literal", "/user/starred", nil, ""},
	{"one wildcard", "/users/octocat/followers", []string{"user"}, "octocat"},
	{"two wildcards", "/repos/octocat/hello-world/stargazers", []string{"owner", "repo"}, "hello-world"},
	{"four wildcards", "/legacy/issues/search/octocat/hello-world/open/loop", []string{"owner", "repository", "state", "keyword"}, "loop"},
}

// routers are the rivals. Each runs a function, in which a request can be routed
// again and again. What the handler that was chosen read last is left in value.
var routers = map[string]func(t testing.TB, path string, wildcards []string, value *string, run func(route func())){
	"bobbin":   routeBobbin,
	"net/http": routeNetHTTP,
	"chi":      routeChi,
}

// routeBobbin routes inside of a handler, where there is a request. The copy of
// the head, which reading a value for the first time costs, is made once.
func routeBobbin(t testing.TB, path string, wildcards []string, value *string, run func(route func())) {
	var router http.Router
	for _, p := range patterns {
		router.Handle("GET "+p, func(w *http.Response, r *http.Request) error {
			*value = ""
			for _, name := range wildcards {
				*value = r.PathValue(name)
			}
			return nil
		})
	}
	kernel := sim.New(1)
	server, err := http.NewServer(http.Config{
		Loop: eventloop.Config{Kernel: kernel},
		Handler: func(w *http.Response, r *http.Request) error {
			run(func() {
				if err := router.Serve(w, r); err != nil {
					t.Fatal(err)
				}
			})
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Listen(":80"); err != nil {
		t.Fatal(err)
	}
	kernel.Go(func(c *sim.Script) {
		wire, err := kernel.Dial()
		if err != nil {
			t.Error(err)
			return
		}
		c.Send(wire, []byte("GET "+path+" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
		c.ReceiveAll(wire)
		wire.Close()
		server.Stop()
	})
	if err := server.Run(); err != nil {
		t.Fatal(err)
	}
}

func routeNetHTTP(t testing.TB, path string, wildcards []string, value *string, run func(route func())) {
	mux := nethttp.NewServeMux()
	for _, p := range patterns {
		mux.HandleFunc("GET "+p, func(w nethttp.ResponseWriter, r *nethttp.Request) {
			*value = ""
			for _, name := range wildcards {
				*value = r.PathValue(name)
			}
		})
	}
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", path, nil)
	run(func() { mux.ServeHTTP(w, r) })
}

func routeChi(t testing.TB, path string, wildcards []string, value *string, run func(route func())) {
	mux := chi.NewRouter()
	for _, p := range patterns {
		mux.Get(p, func(w nethttp.ResponseWriter, r *nethttp.Request) {
			*value = ""
			for _, name := range wildcards {
				*value = chi.URLParam(r, name)
			}
		})
	}
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", path, nil)
	run(func() { mux.ServeHTTP(w, r) })
}

func TestTheRoutersThatAreComparedFindTheSameValues(t *testing.T) {
	for _, route := range routes {
		for who, router := range routers {
			got := "nothing"
			router(t, route.path, route.wildcards, &got, func(route func()) { route() })
			if got != route.want {
				t.Errorf("%s reads %q from %s, not %q", who, got, route.path, route.want)
			}
		}
	}
}

func BenchmarkRouter(b *testing.B) {
	for _, route := range routes {
		for _, who := range []string{"bobbin", "net/http", "chi"} {
			b.Run(route.name+"/"+who, func(b *testing.B) {
				var value string
				routers[who](b, route.path, route.wildcards, &value, func(again func()) {
					b.ReportAllocs()
					for b.Loop() {
						again()
					}
				})
			})
		}
	}
}
