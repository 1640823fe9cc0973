// From a network's scores to a label, as edgeleuk/runtime/decision.py does it.

const FLOAT_FLOOR = 1e-7;

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

/** One number for each class, of scores as the spec means them. */
export function asProbabilities(scores, spec) {
  switch (spec.scores ?? "probabilities") {
    case "sigmoids": {
      const total = Math.max(sum(scores), FLOAT_FLOOR);
      return scores.map(score => score / total);
    }
    case "sigmoid": {
      const second = spec.positive_class == null || spec.classes.indexOf(spec.positive_class) === 1;
      return second ? [1 - scores[0], scores[0]] : [scores[0], 1 - scores[0]];
    }
    case "logits": {
      const most = Math.max(...scores), raised = scores.map(score => Math.exp(score - most)), total = sum(raised);
      return raised.map(each => each / total);
    }
    default:
      return scores;
  }
}

/** softmax(log(p) / T); what an output of this scale writes as 0 counts as half a step, shared. */
export function softened(probabilities, temperature, scale) {
  if (temperature === 1) return probabilities;
  const floor = (scale / 2 || FLOAT_FLOOR) / (probabilities.length - 1);
  const raised = probabilities.map(each => Math.max(each, floor)), most = Math.max(...raised);
  const powered = raised.map(each => Math.pow(each / most, 1 / temperature)), total = sum(powered);
  return powered.map(each => each / total);
}

/** Position of the chosen class. */
export function decide(probabilities, spec) {
  const threshold = spec.decision?.threshold;
  if (threshold == null || spec.positive_class == null) return probabilities.indexOf(Math.max(...probabilities));
  const positive = spec.classes.indexOf(spec.positive_class);
  return probabilities[positive] >= threshold ? positive : 1 - positive;
}

/** Positions of the classes that the answer may be: one, or more if the model is unsure. */
export function answerSet(probabilities, chosen, spec) {
  const least = spec.calibration?.abstention?.least_probability;
  if (least == null) return [chosen];
  return probabilities.map((_, place) => place).filter(place => place === chosen || probabilities[place] >= least);
}
