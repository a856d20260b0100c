package main

import (
	"strings"
	"testing"
)

// TestAnAddressInUseIsSaid serves twice at one.
func TestAnAddressInUseIsSaid(t *testing.T) {
	at := strings.TrimSuffix(strings.TrimPrefix(serving(t, t.TempDir()), "http://"), "/")
	if _, _, err := serve(t.TempDir(), at); err == nil || !strings.Contains(err.Error(), at+" is in use: choose another address, such as -addr localhost:8081") {
		t.Errorf("it is %v", err)
	}
}
