import {
  CONSTRAINTS,
  COST_OF_ERRORS,
  DESIGN,
  GATES,
  POLICY,
  PROBLEM_APPROVALS,
  PURPOSE,
  RISK,
  ROLES,
  STAKEHOLDERS,
  TODAY,
} from './definition-sources.ts';
import {
  BASELINES,
  DATA_CHECKS,
  DATA_SOURCES,
  DECISIONS,
  EVALUATION,
  INTERFACE,
  LABELLING,
  LIMITS,
  MODEL_CARD,
  PACKAGE_LOCKS,
  SLICES,
} from './development-sources.ts';
import type { Framework, Heading } from './facts.ts';
import {
  APPROVALS,
  AUDIT,
  CANARY,
  MONITORING,
  MONITORING_RULES,
  OVERRIDES,
  RETRAINING_DECISIONS,
  RETRAINING_RULES,
  ROLLBACKS,
  VERSIONS,
} from './operation-sources.ts';

const GOVERN: Heading[] = [
  {
    id: 'GOVERN 1',
    title:
      'Policies, processes, procedures and practices for AI risks are in place, transparent and implemented',
    sources: [POLICY, AUDIT],
    outside: ["the organization's policies on AI risk"],
  },
  {
    id: 'GOVERN 2',
    title: 'Accountability structures: teams and individuals are empowered, responsible and trained',
    sources: [ROLES, APPROVALS],
    outside: ['training of the people named'],
  },
  {
    id: 'GOVERN 3',
    title: 'Workforce diversity, equity, inclusion and accessibility are prioritized',
    sources: [],
    outside: ['processes for diversity, equity, inclusion and accessibility'],
  },
  {
    id: 'GOVERN 4',
    title: 'Teams are committed to a culture that considers and communicates AI risk',
    sources: [DECISIONS],
    outside: ['how the organization communicates AI risk'],
  },
  {
    id: 'GOVERN 5',
    title: 'Processes for robust engagement with relevant AI actors',
    sources: [STAKEHOLDERS, PROBLEM_APPROVALS],
    outside: ['feedback of those whom the system affects'],
  },
  {
    id: 'GOVERN 6',
    title: 'Policies for risks and benefits of third-party software and data and other supply chain issues',
    sources: [PACKAGE_LOCKS],
    outside: ['policy on third-party software and data'],
  },
];

const MAP: Heading[] = [
  {
    id: 'MAP 1',
    title: 'Context is established and understood',
    sources: [PURPOSE, CONSTRAINTS, STAKEHOLDERS, PROBLEM_APPROVALS, RISK],
    outside: ['laws, norms and expectations of the context of use'],
  },
  {
    id: 'MAP 2',
    title: 'Categorization of the AI system is performed',
    sources: [DESIGN, INTERFACE, LIMITS],
    outside: [],
  },
  {
    id: 'MAP 3',
    title:
      'Capabilities, targeted usage, goals, and expected benefits and costs compared with benchmarks are understood',
    sources: [PURPOSE, TODAY, BASELINES, COST_OF_ERRORS],
    outside: [],
  },
  {
    id: 'MAP 4',
    title: 'Risks and benefits are mapped for all components, third-party software and data included',
    sources: [DATA_SOURCES, PACKAGE_LOCKS],
    outside: ['risks of the components of third parties'],
  },
  {
    id: 'MAP 5',
    title: 'Impacts to individuals, groups, communities, organizations and society are characterized',
    sources: [COST_OF_ERRORS],
    outside: ['impacts on individuals, groups and society'],
  },
];

const MEASURE: Heading[] = [
  {
    id: 'MEASURE 1',
    title: 'Appropriate methods and metrics are identified and applied',
    sources: [DESIGN, GATES, EVALUATION],
    outside: [],
  },
  {
    id: 'MEASURE 2',
    title: 'AI systems are evaluated for trustworthy characteristics',
    sources: [EVALUATION, SLICES, DATA_CHECKS, MODEL_CARD],
    outside: ['safety, security, privacy, explainability and environmental impact'],
  },
  {
    id: 'MEASURE 3',
    title: 'Mechanisms for tracking identified AI risks over time are in place',
    sources: [MONITORING_RULES, MONITORING],
    outside: [],
  },
  {
    id: 'MEASURE 4',
    title: 'Feedback about efficacy of measurement is gathered and assessed',
    sources: [LABELLING, MONITORING],
    outside: ['feedback of domain experts on the measurements'],
  },
];

const MANAGE: Heading[] = [
  {
    id: 'MANAGE 1',
    title: 'Risks based on MAP and MEASURE are prioritized, responded to and managed',
    sources: [GATES, EVALUATION, OVERRIDES, APPROVALS],
    outside: [],
  },
  {
    id: 'MANAGE 2',
    title:
      'Strategies to maximize benefits and minimize negative impacts are planned, implemented and documented',
    sources: [CANARY, RETRAINING_RULES, RETRAINING_DECISIONS, DECISIONS],
    outside: [],
  },
  {
    id: 'MANAGE 3',
    title: 'Risks and benefits from third-party entities are managed',
    sources: [],
    outside: ['how risks of third parties are managed'],
  },
  {
    id: 'MANAGE 4',
    title:
      'Risk treatments, response, recovery and communication plans are documented and monitored regularly',
    sources: [ROLLBACKS, MONITORING, VERSIONS],
    outside: ['communication plans'],
  },
];

/** The four functions with their 19 categories; titles are shortened. */
export const NIST_AI_RMF: Framework = {
  id: 'nist-ai-rmf',
  name: 'NIST AI Risk Management Framework 1.0',
  text: 'NIST AI 100-1, January 2023, tables 1 to 4',
  url: 'https://doi.org/10.6028/NIST.AI.100-1',
  groups: [
    { title: 'Govern', headings: GOVERN },
    { title: 'Map', headings: MAP },
    { title: 'Measure', headings: MEASURE },
    { title: 'Manage', headings: MANAGE },
  ],
};
