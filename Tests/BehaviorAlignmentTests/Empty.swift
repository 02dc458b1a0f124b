// replaced by the first tests of BehaviorAlignment
