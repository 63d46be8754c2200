"""The formats that requests and answers have on the wire."""
