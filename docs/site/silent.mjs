// What of the types has to say what it is, and what need not.

import { ReflectionKind } from "typedoc";

/** Types that others are made of, by file: nobody has to name them. */
export const unnamed = {
  index: ["AppName", "Listener", "Typed", "undeclared"],
  voice: ["Listening"],
  openai: ["Asked", "Listening", "OfItem", "OfPart", "Told"],
  schemas: ["Any", "In", "Out"],
  svelte: ["MaybeStore"],
};

/** Interfaces whose members are OpenAI's, which says what they are. */
const THEIRS = /^OpenAi(Events|Commands|Answers|SessionConfig|Response|Error)$/;

const { Accessor, CallSignature, Class, Interface, Property, TypeAlias, Variable } = ReflectionKind;
const ASKED = Accessor | CallSignature | Class | Interface | Property | TypeAlias | Variable;

/** Full names of what says nothing of itself. The members of a type that is written in place are explained by what it is the type of, further ways to call something by the first. */
export function silent(project) {
  const asked = project.getReflectionsByKind(ASKED).filter((it) => !isInPlace(it) && !isTheirs(it) && !isFromElsewhere(it));
  return asked.filter((it) => !isExplained(it)).map((it) => `${it.getFullName()} (${ReflectionKind[it.kind]})`);
}

const isInPlace = (it) => it.getFullName().includes("__type");
const isTheirs = ({ parent }) => !!parent && THEIRS.test(parent.name);
const isFromElsewhere = ({ flags }) => flags.isExternal || flags.isInherited;
const isExplained = (it) => it.hasComment() || (it.kindOf(CallSignature) && it.parent.signatures.some((other) => other.hasComment()));
