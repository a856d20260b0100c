package eventloop

// init gives the members of a loop what they need of its configuration.
func (l *Loop) init(config *Config) {
	l.mail.limit = l.limits.Posts
	l.dog.period, l.dog.onStall = config.lookEvery(), config.OnStall
	l.owner.checked = config.CheckOwner
	l.clients.proxies = l.shieldProxies(config.Proxies)
	l.report.init(l, config.Log)
	l.clock.init(l.kernel)
	l.closings.init()
	l.eviction.init(l)
	l.workers.init(l, config)
	l.handshakes.loop = l
	l.pools.init(l.limits)
	l.lists.dirty.init()
	l.output.init(l, config.Kernel == nil)
	if config.Trace != nil {
		l.trace(config.Trace)
	}
}

// afford reduces the limits to as many connections as are affordable, and those that have
// left the loop to a quarter of them.
func (l *Limits) afford(descriptors, loops int) {
	l.Conns = min(l.Conns, affordable(descriptors, loops))
	l.Detached = min(l.Detached, max(1, l.Conns/4))
}

// affordable returns how many connections each of some loops may have with so many
// descriptors: some are for listeners, logs and the kernel itself, and a quarter of
// the rest for files.
func affordable(descriptors, loops int) int {
	reserve := min(64, descriptors/4)
	return max((descriptors-reserve)*3/4/max(loops, 1), 8)
}
