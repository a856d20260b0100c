package http

import (
	"context"
	"errors"
)

// Values of a connection are there for all its requests: what a client's certificate has
// proved, or the first request. They are kept in a list of few, which never changes, in a
// table of the server: so a connection without values has no room for them.

// A ConnKey names a value of the type T that belongs to a connection. A variable of a
// package is a key, ready to be used:
//
//	var partner http.ConnKey[*Partner]
//
//	partner.Set(c, p)         // in Config.OnConn, or with the Request in a handler
//	p, ok := partner.Get(r)   // in all requests of the connection
//
// The value is there until the connection has ended, or has left the server by
// Response.Hijack, when it is forgotten. A handler of net/http behind package std finds it
// in the request's context, by From or by r.Context().Value(&partner).
//
// Behind a proxy a connection is the proxy's, and has requests of many clients. A copy of a
// ConnKey is another key.
type ConnKey[T any] struct {
	_ [1]byte // two keys have two addresses
	_ noCopy
}

// A Connected has a connection: a *Request, or a *Conn.
type Connected interface {
	// connValues returns the values of the connection. Call is for the complaint about a
	// request that is over.
	connValues(call string) *value

	// setConnValue gives the connection another value of the key.
	setConnValue(key, is any)
}

// Set gives the connection a value, in place of the one before. It must be called on the
// loop's goroutine; inside of Blocking, the answer is a 500. A connection that has ended
// takes none.
func (k *ConnKey[T]) Set(of Connected, v T) { of.setConnValue(k, v) }

// Get returns the value of the connection, and whether it has one. It is called on the
// loop, or in a handler that runs off the loop: that one has the values that the
// connection had when it was started.
func (k *ConnKey[T]) Get(of Connected) (T, bool) {
	v, ok := of.connValues("ConnKey.Get").find(k).(T)
	return v, ok
}

// From returns the value in a context that Request.Context has returned, or in one that
// was made from it, and whether there is one. The context has the values that the
// connection had when Context was called. Any goroutine may call From, also when the
// connection has ended.
func (k *ConnKey[T]) From(ctx context.Context) (T, bool) {
	v, ok := ctx.Value(k).(T)
	return v, ok
}

// errConnOffLoop is the error of a ConnKey.Set in a handler that has left the loop.
var errConnOffLoop = errors.New("http: ConnKey.Set changes what belongs to the loop: put it outside of Blocking")

// connValues implements Connected.
func (r *Request) connValues(call string) *value {
	x := r.x
	if x.stale != "" {
		x.misused(call)
	}
	if x.isOffLoop() {
		return x.task.connValues
	}
	return x.conn.server.connValues[x.whole()]
}

// setConnValue implements Connected.
func (r *Request) setConnValue(key, is any) {
	x := r.x
	switch {
	case x.stale != "":
		x.misused("ConnKey.Set")
	case x.isOffLoop():
		x.response.fail(errConnOffLoop)
	default:
		x.conn.setValue(key, is)
	}
}

// setValue gives the connection a value, unless it has ended.
func (c *conn) setValue(key, is any) {
	s := c.server
	if c.conn.State() == deadConn {
		return // nothing would take the value out again
	}
	if s.connValues == nil {
		s.connValues = make(map[*conn]*value)
	}
	s.connValues[c] = &value{key: key, is: is, next: s.connValues[c].without(key)}
}

// withConnValues returns a context that has the values of the connection as well.
func (r *Request) withConnValues(ctx context.Context) context.Context {
	if v := r.connValues("Context"); v != nil {
		return &valueContext{ctx, v}
	}
	return ctx
}
