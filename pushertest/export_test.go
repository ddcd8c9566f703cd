package pushertest

// TriggerDirectly triggers an event without a request, for events so large that
// validating requests would take most of the time of a test.
func TriggerDirectly(s *Server, event Event) { s.state.trigger([]Event{event}) }
