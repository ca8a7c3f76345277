package session

// Generation tells one set of keys from the next: what a Store that is Carried
// verified under one set says nothing under another. It takes no lock.
func (k *KeyRing) Generation() uint64 { return k.current.Load().generation }
