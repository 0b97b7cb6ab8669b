/**
 * How many sleep on the clock of a watch that has nothing to do: the heartbeat, and the care of the file. With
 * fewer asleep one of them is at work, and time that is let pass would pass it by.
 */
export const restingLoops = 2;
