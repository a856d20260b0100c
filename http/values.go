package http

import "context"

// Values travel with a request: middleware sets the user, for example, and the handler
// reads it. They are kept in a short list, newest first, that never changes: so a context
// has the values of its moment, and any goroutine may look at it.

// A Key names a value of the type T that travels with a request. A variable of a package
// is a key, ready to be used:
//
//	var user http.Key[*User]
//
//	user.Set(r, u)        // in middleware
//	u, ok := user.Get(r)  // in the handler
//
// The value is there for all that has the request, around the handler and within it, in
// the reply of Offload, and in hooks: until the request is over, when it is forgotten. A
// handler of net/http behind package std finds it in the request's context, by From or by
// r.Context().Value(&user).
//
// A copy of a Key is another key.
type Key[T any] struct {
	_ [1]byte // two keys have two addresses
	_ noCopy
}

// noCopy lets go vet find copies.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// Set gives the request a value, in place of the one before. It is called where the
// request may be used: on the loop, or in a handler that runs off the loop.
func (k *Key[T]) Set(r *Request, v T) {
	if r.x.stale != "" {
		r.x.misused("Key.Set")
	}
	r.x.extras = true
	r.values.Store(&value{key: k, is: v, next: r.values.Load().without(k)})
}

// Get returns the value of the request, and whether it has one. Any goroutine may call it
// before the request is over.
func (k *Key[T]) Get(r *Request) (T, bool) {
	if r.x.stale != "" {
		r.x.misused("Key.Get")
	}
	v, ok := r.values.Load().find(k).(T)
	return v, ok
}

// From returns the value in a context that Request.Context has returned, or in one that
// was made from it, and whether there is one. The context has the values that the request
// had when Context was called. Any goroutine may call From, also when the request is over.
func (k *Key[T]) From(ctx context.Context) (T, bool) {
	v, ok := ctx.Value(k).(T)
	return v, ok
}

// With returns a context with a value, for middleware of net/http behind package std.
func (k *Key[T]) With(ctx context.Context, v T) context.Context { return context.WithValue(ctx, k, v) }

// A value is one in the list of a request. It does not change.
type value struct {
	key, is any
	next    *value
	context context.Context // of SetContext, which has all values before; then there is no key
}

// find returns the value of a key, nil if there is none.
func (v *value) find(key any) any {
	for ; v != nil; v = v.next {
		switch {
		case v.context != nil:
			return v.context.Value(key)
		case v.key == key:
			return v.is
		}
	}
	return nil
}

// without returns the list without a key. What is behind it is shared.
func (v *value) without(key any) *value {
	switch {
	case v == nil || v.context != nil:
		return v
	case v.key == key:
		return v.next
	}
	rest := v.next.without(key)
	if rest == v.next {
		return v
	}
	return &value{key: v.key, is: v.is, next: rest}
}

// outer returns the context that SetContext has set, nil if there is none.
func (v *value) outer() context.Context {
	for ; v != nil; v = v.next {
		if v.context != nil {
			return v.context
		}
	}
	return nil
}

// A valueContext is the context of a request that has values.
type valueContext struct {
	context.Context
	values *value
}

// Value implements context.Context.
func (c *valueContext) Value(key any) any {
	if v := c.values.find(key); v != nil {
		return v
	}
	return c.Context.Value(key)
}
