#!/bin/sh
# A channel that takes its time: a stop must wait for it.
sleep 3
