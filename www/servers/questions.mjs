// What the interviewers ask, in order and then from the start.

const QUESTIONS = [
  "Welcome! What brings you to this interview?",
  "Which piece of your own work would you show a stranger first?",
  "Tell me of a decision that you would take differently today.",
  "How do you find out that something you built does not work?",
  "What do you want to know about us?",
];

/** The question after `asked` others. */
export function question(asked) {
  return QUESTIONS[asked % QUESTIONS.length];
}
