// BehaviorAlignment
