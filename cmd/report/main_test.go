package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http/httptest"
)

func TestReport(t *testing.T) {
	slow := query
	defer func() { query = slow }()
	query = func(n int) (int, error) { return n * n, nil }
	httptest.Run(t, httptest.Config{Handler: site().Serve}, func(c *httptest.Client) {
		for _, row := range []struct {
			path   string
			status int
			want   string
		}{
			{"/sum/0", 200, strings.Repeat("0", 64) + "\n"},
			{"/sum/1", 200, "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925\n"},
			{"/sum/many", 400, "the number of rounds must be"},
			{"/sum/-1", 400, "the number of rounds must be"},
			{"/table", 200, "n,square\n0,0\n1,1\n2,4\n"},
			{"/table", 200, "\n999,998001\n"},
		} {
			if a := c.Get(row.path); a.Status != row.status || !strings.Contains(a.Body, row.want) {
				t.Errorf("%s: %v", row.path, a)
			}
		}
	})
}

func TestATableThatFailsIsNoTable(t *testing.T) {
	slow := query
	defer func() { query = slow }()
	query = func(n int) (int, error) { return 0, errors.New("the database is on fire") }
	httptest.Run(t, httptest.Config{Handler: site().Serve}, func(c *httptest.Client) {
		if a := c.Get("/table"); a.Status != 500 {
			t.Errorf("%v", a)
		}
	})
}
