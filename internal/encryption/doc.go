// Package encryption encrypts and decrypts the data of events on
// private-encrypted- channels, so that neither Pusher nor anybody between the app
// and a subscriber can read it.
//
// [ParseMasterKey] parses the key of the app. [MasterKey.Encrypt] and
// [MasterKey.Decrypt] convert between data and the JSON that is sent as the data of
// an event. [MasterKey.SharedSecret] returns the key of one channel, which its
// subscribers receive with their authorization.
//
// The key of a channel is the SHA-256 hash of its name and the master key. The cipher
// is NaCl's secretbox (XSalsa20 and Poly1305). Names of channels and events are not
// encrypted. Anybody who has the key of a channel can read and write all of its data,
// past and future, until the master key is replaced.
//
// Source: Pusher Channels docs, "Encrypted channels".
package encryption
