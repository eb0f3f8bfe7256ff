"""What ties calls together: forwarding of encoded frames, and mixing."""
