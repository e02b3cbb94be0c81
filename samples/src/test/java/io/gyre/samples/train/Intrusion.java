package io.gyre.samples.train;

/** What a process that is none of a run's does at its rendezvous, before rank 1 gets there. */
enum Intrusion {
    /** Says, in messages of the protocol, that it is rank 1 and has failed. */
    JOIN_AND_FAIL,
    /** Joins as rank 1 with another secret, again and again. */
    JOIN_WITH_ANOTHER_SECRET,
    /** Joins as rank 1 and waits. */
    TAKE_THE_SEAT,
    /** Opens 64 connections and says nothing. */
    IDLE_CONNECTIONS,
    /** Opens 1,000 connections, says nothing, and opens others instead of those that are closed. */
    MANY_IDLE_CONNECTIONS,
    /** Opens 10,000 connections while the run starts, of which 500 stay open. */
    FLOOD,
    /** Sends noise. */
    GARBAGE,
    /** Sends lengths that lie, and records of TLS that claim to be long. */
    LYING_LENGTHS
}
