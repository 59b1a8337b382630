// Package codec turns sound into RTP payloads and back. A Codec is made per
// stream and direction of talk, because most codecs keep state between
// frames; G.711 keeps none, and its tables may also be used directly, so that
// A-law and µ-law parties are relayed without ever decoding to PCM.
//
// PCM is signed 16-bit mono at the codec's own Rate.
package codec
