// Package encryption seals the data of events on private-encrypted- channels, so
// that neither Pusher nor anyone between app and subscriber can read it.
//
// [ParseMasterKey] reads the app's key. [MasterKey.Encrypt] and
// [MasterKey.Decrypt] turn data into the JSON text that travels and back;
// [MasterKey.SharedSecret] is what an authorization hands to a subscriber.
//
// Each channel has its own key, the SHA-256 of its name and the master key; the
// cipher is NaCl's secretbox (XSalsa20 and Poly1305). Channel names and event
// names are not encrypted, and whoever holds a channel's key can read and write
// all of its data, past and future.
//
// Source: Pusher Channels docs, Encrypted channels.
package encryption
